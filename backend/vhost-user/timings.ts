/** How long an endpoint waits for what. */

/** Delays in milliseconds; the defaults suit a machine, other values suit tests. */
export interface Timings {
  /** From the start of the device to the notice that its memory does not come. */
  readonly memoryNoticeMs: number;
  /** How long rings rest after a memory region was removed, in case others follow. */
  readonly settleMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** How long nobody is served after a front-end that kept a worker waiting. */
  readonly restMs: number;
}
export const defaultTimings: Timings = {
  memoryNoticeMs: 4000,
  settleMs: 50,
  reconnectMinMs: 100,
  reconnectMaxMs: 1000,
  restMs: 5000,
};

/** How the suite is to run: what `npm run hostile` said, as environment variables. */

import { setTimeout as sleep } from 'node:timers/promises';

const { env } = process;

/** Seconds that an attack without an end of its own lasts. */
export const seconds = Number(env.VALENIC_HOSTILE_SECONDS ?? 1);
/** Every attack against a daemon of its own; else one daemon meets all of a file. */
export const whole = env.VALENIC_HOSTILE_WHOLE === '1';
/** What the daemon is started with besides: a sanitizer's build of the addon. */
export const daemonEnv: Readonly<Record<string, string>> = JSON.parse(
  env.VALENIC_HOSTILE_ENV ?? '{}',
) as Record<string, string>;

/** Null, after a while. Does not keep the process. */
export async function readySlower(ms: number): Promise<null> {
  return sleep(ms, null, { ref: false });
}

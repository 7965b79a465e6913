/** Frames from one real guest to the other for a while: counted where they arrive. */

import { setTimeout as delay } from 'node:timers/promises';
import { featureNames } from '../../../frontend-spec/index.ts';
import type { AgentClient } from '../../../qemu/index.ts';
import { ValenicError } from '../../errors.ts';
import {
  type GuestApp,
  type GuestEnd,
  interfaceBack,
  type Receiver,
  receiveFrames,
  type Sender,
  sendFrames,
} from '../guest-traffic.ts';
import { spent, takeSnapshot, type Watched } from '../tcp/cpu-time.ts';
import type { Cores } from './pairs.ts';
import type { LegTimes, Measured } from './synthetic.ts';
import type { GuestWorkload } from './workload.ts';

/** A kernel's sender ends on its own, but not before the receiver's last count is read. */
const slackSeconds = 0.5;
/** After the last frame was sent, until all have surely arrived under TCG. */
const settleMs = 400;
const packedName = 'VIRTIO_F_RING_PACKED';

/** A guest's NIC on the network that is measured. */
export interface GuestStation {
  readonly agent: AgentClient;
  readonly mac: string;
}

export interface GuestFlow {
  readonly from: GuestStation;
  readonly to: GuestStation;
  readonly workload: GuestWorkload;
  readonly times: Omit<LegTimes, 'ratePps'>;
  readonly watched: Watched;
  readonly signal: AbortSignal;
}

/** @throws {ValenicError} `bench_failed` */
export async function measureFlow(flow: GuestFlow): Promise<Measured & { readonly cores: Cores }> {
  const { workload, times } = flow;
  const [from, to] = [await endOf(flow.from, workload), await endOf(flow.to, workload)];
  const receiver = await receiveFrames(to);
  const sending = { destination: to.mac, frameBytes: workload.frameBytes, ratePps: 0 };
  const seconds = times.warmupSeconds + times.seconds + slackSeconds;
  const sender = await sendFrames(from, { ...sending, seconds });
  const window = await windowOf(flow, sender, receiver).catch((error: unknown) => error);
  const sent = await sender.stop();
  await delay(settleMs);
  const { frames, corrupt } = await receiver.stop();
  if (window instanceof Error) throw window;
  if (corrupt > 0) throw new ValenicError('bench_failed', `${corrupt} frames had wrong bytes`);
  return { ...(window as Window), latencyNs: null, sent, received: frames };
}

/** The interface, which has its kernel's driver again if the poll-mode driver had it. */
async function endOf({ agent, mac }: GuestStation, workload: GuestWorkload): Promise<GuestEnd> {
  const name = await interfaceBack(agent, mac);
  const app: GuestApp = workload.frontend === 'guest-pmd' ? 'pmd' : 'kernel';
  if (app === 'kernel') await agent.link(name, true);
  return { agent, interface: name, mac, app, ring: workload.ring };
}

type Window = Pick<Measured, 'mpps' | 'driverBusy' | 'features'> & { readonly cores: Cores };

/** What is measured, while frames flow. */
async function windowOf(flow: GuestFlow, sender: Sender, receiver: Receiver): Promise<Window> {
  const { times, watched, signal, workload } = flow;
  const features = featureNames((await receiver.features()) ?? 0n);
  if (features.includes(packedName) !== (workload.ring === 'packed')) {
    throw new ValenicError('bench_failed', `a guest does not use ${workload.ring} rings`);
  }
  await delay(times.warmupSeconds * 1000, undefined, { signal });
  const marks = [await busyOf(sender), await busyOf(receiver)];
  const cpuBefore = takeSnapshot(watched);
  const [before, begun] = [await receiver.look(), performance.now()];
  await delay(times.seconds * 1000, undefined, { signal });
  const [after, ended] = [await receiver.look(), performance.now()];
  const cpu = spent(watched, cpuBefore, takeSnapshot(watched));
  const shares = [await busyOf(sender), await busyOf(receiver)].map((now, index) => {
    const mark = marks[index] ?? now;
    return (now.busy - mark.busy) / Math.max(1, now.at - mark.at);
  });
  const seconds = (ended - begun) / 1000;
  return {
    mpps: (after.frames - before.frames) / seconds / 1e6,
    // The busier one is what limits.
    driverBusy: Number(Math.min(1, Math.max(...shares)).toFixed(3)),
    features,
    cores: {
      backend: cpu.backend / seconds,
      devices: cpu.devices / seconds,
      guests: cpu.guests / seconds,
    },
  };
}

/** Milliseconds in which it moved frames, and when that was said. */
async function busyOf(side: Sender | Receiver): Promise<{ busy: number; at: number }> {
  const busy = ((await side.busySeconds()) ?? 0) * 1000;
  return { busy, at: performance.now() };
}

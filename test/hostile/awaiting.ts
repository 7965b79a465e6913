/**
 * Attacks that still succeed, by name, and what they wait for. They are named and counted as not
 * run; an entry goes with the commit that makes its attack fail.
 */

const promises = 'each command leaves a promise behind';
const base = "a message's base is written into the guest's used index";
const waits = 'a worker waits for a call that its peer keeps full';

export const awaiting: Readonly<Record<string, string>> = {
  'tx-table-link-outside': 'the fault is named chain_loops',
  'messages-by-the-thousand': promises,
  'comes-and-goes': promises,
  'base-behind-used': base,
  'base-before-used': base,
  'rx-base-before-used': base,
  'memory-without-its-ring': 'a ring whose memory is gone shows no fault',
  'broken-ring-is-not-started': 'a broken ring is shown as started',
  'fault-goes-with-its-front-end': 'the fault of an earlier front-end stays on the next',
  'rx-call-is-full': waits,
  'tx-call-is-full': waits,
  'descriptors-that-linger': 'close() of what a peer sent stops the JavaScript thread',
};

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
  'every-request-of-every-size': promises,
  'macs-push-out-a-silent-receiver': 'who holds most addresses pushes out who holds one',
  'stream-comes-and-goes': promises,
  'control-listeners-that-do-not-read': promises,
  'memory-replaced-under-rings': promises,
  'length-that-moves': promises,
  'address-that-moves': promises,
  'flags-that-move': promises,
  'net-header-that-moves': promises,
  'mac-that-moves': promises,
  'ip-header-that-moves': promises,
  'used-index-that-moves': promises,
  'index-that-runs': promises,
  'base-behind-used': base,
  'base-before-used': base,
  'rx-base-before-used': base,
  'memory-without-its-ring': 'a ring whose memory is gone shows no fault',
  'broken-ring-is-not-started': 'a broken ring is shown as started',
  'fault-goes-with-its-front-end': 'the fault of an earlier front-end stays on the next',
  'rx-call-is-full': waits,
  'tx-call-is-full': waits,
  'memory-cut-off-beside-commands': 'housekeeping waits for commands to cease',
  'gibibytes-cut-off': "what takes the place of memory that is cut off is the daemon's own",
  'tail-cut-off-to-a-stream': 'memory that the kernel cannot read ends the wrong connection',
  'file-where-the-lock-goes': 'a lock file of somebody else is removed',
  'fifo-where-the-lock-goes': 'a lock file of somebody else is removed',
  'descriptors-of-a-silent-file-system': 'fstat() of what a peer sent stops the JavaScript thread',
  'descriptors-that-linger': 'close() of what a peer sent stops the JavaScript thread',
};

/**
 * Attacks that still succeed, by name, and what they wait for. They are named and counted as not
 * run; an entry goes with the commit that makes its attack fail.
 */

const waits = 'a worker waits for a call that its peer keeps full';

export const awaiting: Readonly<Record<string, string>> = {
  'macs-push-out-a-silent-receiver': 'who holds most addresses pushes out who holds one',
  'rx-call-is-full': waits,
  'tx-call-is-full': waits,
  'descriptors-that-linger': 'close() of what a peer sent stops the JavaScript thread',
  'descriptors-of-a-silent-file-system': 'fstat() of what a peer sent stops the JavaScript thread',
};

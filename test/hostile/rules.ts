/**
 * Rules of docs/THREAT_MODEL.md that no attack of the suite names, and why: what cannot be seen
 * from outside of a process, or takes more of the host than an attacker has. Each has its own test
 * in the document's table.
 */

export const unmounted: Readonly<Record<number, string>> = {
  8: 'seen with memory that ends at a guard page; here it would be a crash',
  34: 'of a packed ring that another back-end used: test/backend/vhost-user/resume',
  44: 'a worker has to be stopped while it copies',
  47: 'a slot of the table has to be given away again within a frame',
  51: 'the list of held calls is seen from within',
  53: 'modes of files, of no attack',
  56: 'core dumps of the daemon',
  60: 'a word of the operator',
  61: 'a word of the operator',
  65: 'several workers: the daemon here has one',
  74: 'the end of a process by SIGKILL, which ends the stage',
  79: 'largest frames with a tag: test/native/net/edited',
  81: 'which queue a flow takes is seen from within',
  82: 'which queue a flow takes is seen from within',
  87: 'of two hosts',
  93: 'the log of the daemon is read by the suite itself',
  96: 'no attack of the suite holds a worker: what a peer gives is broken off by the first look',
  100: 'messages of any bytes: test/native/boundary, test/native/process and test/fuzz/boundary',
  101: 'the record of a guest: test/backend/vhost-user/kept-file and kept.native',
  102: "the datapath's own socket is its parent's alone: test/native/process",
  99: 'SIGTERM amid the last attack of every daemon, in stage.ts',
  109: 'no lookup of the daemon answers action lists',
};

// Preloaded into the daemon under test (`node --require`): tells over a socket of its own what only
// the process itself can count. It keeps nothing alive and changes nothing.
const { readdirSync, readFileSync, readlinkSync } = require('node:fs');
const { createServer } = require('node:net');
const { queryObjects } = require('node:v8');

/** How many promises there are, after a garbage collection. */
function promiseCount() {
  const { emitWarning } = process;
  process.emitWarning = () => {}; // That it is experimental; the log is the daemon's.
  try {
    return queryObjects(Promise, { format: 'count' });
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Each open descriptor by what it is. Ours for this folder is among them, always. */
function descriptors() {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // The one that read the folder.
    }
  });
}

/** Each thread's name. One may end between the list and the look: threads of a pool do. */
function threads() {
  return readdirSync('/proc/self/task').flatMap((id) => {
    try {
      return [readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()];
    } catch {
      return []; // ENOENT, or ESRCH once its file was open.
    }
  });
}

function facts() {
  return {
    promises: promiseCount(),
    resources: process.getActiveResourcesInfo(),
    descriptors: descriptors(),
    threads: threads(),
    maps: readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n'),
  };
}

const path = process.env.VALENIC_WITNESS;
if (path !== undefined) {
  delete process.env.VALENIC_WITNESS; // Processes of the daemon's own are not to be asked.
  delete process.env.NODE_OPTIONS;
  // Who asked before may not be gone when the next one asks: its connection would be counted.
  let last = Promise.resolve();
  createServer((socket) => {
    socket.on('error', () => {});
    socket.unref();
    const before = last;
    last = new Promise((gone) => {
      socket.once('close', gone);
    });
    void before.then(() => socket.end(JSON.stringify(facts())));
  })
    .listen(path)
    .unref();
}

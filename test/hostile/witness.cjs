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

function threads() {
  return readdirSync('/proc/self/task').map((id) =>
    readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim(),
  );
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
  createServer((socket) => {
    socket.on('error', () => {});
    socket.unref();
    socket.end(JSON.stringify(facts()));
  })
    .listen(path)
    .unref();
}

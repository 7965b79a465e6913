#!/usr/bin/env node
// Old versions of Node must be able to read this file: they are told so, in a sentence.
var parts = process.versions.node.split('.');
var major = Number(parts[0]);
var minor = Number(parts[1]);
var program = '../dist/backend/cli/main.js';

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    'valenic: Node ' +
      process.versions.node +
      ' is too old (node_too_old): install Node 20.19 or newer.',
  );
  process.exitCode = 1;
} else {
  // Raw text is no line of a log: the daemon tells what Node warns of, in words of its own.
  process.removeAllListeners('warning');
  import(program).catch((error) => {
    if (error && error.code === 'ERR_MODULE_NOT_FOUND' && /cli\/main\.js/.test(error.message)) {
      console.error('valenic: this is not built yet: run "npm run build" first.');
      process.exitCode = 1;
      return;
    }
    // Before anything of ours runs: the modules alone are more files than that.
    if (error && (error.code === 'EMFILE' || error.code === 'ENFILE')) {
      console.error(
        `valenic: too few files may be open (${error.code}): raise the limit with ulimit -n 1024.`,
      );
      process.exitCode = 1;
      return;
    }
    throw error;
  });
}

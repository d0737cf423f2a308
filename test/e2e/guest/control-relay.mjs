// The daemon's control socket, as TCP for the host.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

createServer((outside) => {
  const inside = connect('/state/control.sock');
  outside.pipe(inside).pipe(outside);
  outside.on('error', () => inside.destroy());
  inside.on('error', () => outside.destroy());
}).listen(7000);

// One line in: `kill` (the daemon, as a crash would), or `run FILE ARGUMENTS`; what that says comes back.
createServer((outside) => {
  outside.on('error', () => undefined);
  createInterface({ input: outside }).once('line', (line) => {
    const [verb, ...words] = line.split(' ');
    if (verb === 'kill') {
      process.kill(Number(readFileSync('/run/daemon.pid', 'utf8')), 'SIGKILL');
      outside.end('killed\n');
    } else {
      spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout.pipe(outside);
    }
  });
}).listen(7001);

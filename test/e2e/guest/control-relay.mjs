// The daemon's control socket, as TCP for the host.
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

createServer((outside) => {
  const inside = connect('/state/control.sock');
  outside.pipe(inside).pipe(outside);
  outside.on('error', () => inside.destroy());
  inside.on('error', () => outside.destroy());
}).listen(7000);

// Kills the daemon, as a crash would, when somebody asks for it.
createServer((outside) => {
  outside.on('error', () => undefined);
  createInterface({ input: outside }).once('line', (line) => {
    if (line === 'kill') process.kill(Number(readFileSync('/run/daemon.pid', 'utf8')), 'SIGKILL');
    outside.end('killed\n');
  });
}).listen(7001);

import { createSocket } from 'node:dgram';

const HOST = '127.0.0.1';
const CHALLENGE =
  'WWW-Authenticate: Digest realm="bench", nonce="bench", qop="auth", algorithm=MD5';

/**
 * A registrar for measuring start-up: challenges a REGISTER once, and takes whatever answer comes.
 * `registered` resolves when the 200 has been sent.
 */
export async function openRegistrar() {
  const socket = createSocket('udp4');
  let registered = Promise.withResolvers<void>();
  socket.on('message', (bytes, from) => {
    const text = bytes.toString('utf8');
    if (!text.startsWith('REGISTER ')) return;
    const copied = [...text.matchAll(/^(?:Via|From|To|Call-ID|CSeq|Contact): .*$/gim)];
    const lines = copied.map(([line]) => line.trimEnd());
    const accepted = /^Authorization:/im.test(text);
    const answer = [
      accepted ? 'SIP/2.0 200 OK' : 'SIP/2.0 401 Unauthorized',
      ...lines,
      accepted ? 'Expires: 300' : CHALLENGE,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
    socket.send(answer, from.port, from.address);
    if (accepted) registered.resolve();
  });
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
  return {
    port: socket.address().port,
    /** Call it before the daemon is started. */
    next(): Promise<void> {
      registered = Promise.withResolvers();
      return registered.promise;
    },
    close: () => socket.close(),
  };
}

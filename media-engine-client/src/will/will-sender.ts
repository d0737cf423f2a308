import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import { describeError, type Clock, type Timer } from '@offhook/common';
import type { LastWill, WillResult } from '@offhook/media-rpc';
import { findAnswer } from './match.ts';

/** RFC 3261 §17.1.2.2, Timers E and F: what is repeated after 0.5 s, 1, 2, 4, 4 … for 32 s. */
const T1_MS = 500;
const T2_MS = 4000;
const GIVE_UP_MS = 64 * T1_MS;
/** Of a stream more is not looked at. */
const MAX_RECEIVED = 65_536;

/** Carries out a will; resolves with what became of it, and never rejects. */
export type WillSender = (will: LastWill, context: WillContext) => Promise<WillResult>;

export interface WillContext {
  readonly clock: Clock;
  /** The engine ends: the will counts as unanswered. */
  readonly signal: AbortSignal;
}

/** What a transport tells while a will is under way. */
interface Course {
  sent(): void;
  received(text: string): void;
  failed(error: unknown): void;
}

interface Way {
  send(): void;
  close(): void;
}

/** By sockets of our own, which are gone when there is an answer. */
export const sendWill: WillSender = (will, { clock, signal }) => {
  const { promise, resolve } = Promise.withResolvers<WillResult>();
  let next: Timer | undefined;
  let attempts = 0;
  let over = false;
  const finish = (result: Omit<WillResult, 'attempts'>): void => {
    if (over) return;
    over = true;
    next?.cancel();
    deadline.cancel();
    signal.removeEventListener('abort', abort);
    way.close();
    resolve({ ...result, attempts });
  };
  const abort = (): void => finish({ outcome: 'unanswered', message: 'the engine was stopped' });
  const way = (will.transport === 'udp' ? overUdp : overTcp)(will, {
    sent: () => attempts++,
    received: (text) => {
      const answer = findAnswer(text, will.match, will.transport === 'tcp');
      if (answer !== undefined) finish({ outcome: 'answered', answer });
    },
    failed: (error) => finish({ outcome: 'failed', message: describeError(error).slice(0, 512) }),
  });
  const repeat = (ms: number): void => {
    next = clock.after(ms, () => {
      way.send();
      repeat(Math.min(2 * ms, T2_MS));
    });
  };
  const deadline = clock.after(GIVE_UP_MS, () => finish({ outcome: 'unanswered' }));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  else {
    way.send();
    // What is reliable is sent once.
    if (will.transport === 'udp') repeat(T1_MS);
  }
  return promise;
};

/** A socket that is not connected: a proxy may answer from another address than it listens at. */
function overUdp({ destination, bytes }: LastWill, course: Course): Way {
  const socket = createSocket(isIP(destination.address) === 6 ? 'udp6' : 'udp4');
  const payload = Buffer.from(bytes, 'base64');
  let closed = false;
  socket.on('error', (error) => course.failed(error));
  socket.on('message', (message) => course.received(message.toString('latin1')));
  return {
    send() {
      if (closed) return;
      socket.send(payload, destination.port, destination.address, (error) => {
        if (closed) return;
        if (error === null) course.sent();
        else course.failed(error);
      });
    },
    close() {
      closed = true;
      socket.close();
    },
  };
}

function overTcp({ destination, bytes }: LastWill, course: Course): Way {
  const socket = connect({ host: destination.address, port: destination.port });
  let received = '';
  socket.on('error', (error) => course.failed(error));
  socket.on('data', (chunk: Buffer) => {
    received = (received + chunk.toString('latin1')).slice(0, MAX_RECEIVED);
    course.received(received);
  });
  socket.on('close', () => course.failed(new Error('the connection was closed')));
  return {
    send() {
      socket.write(Buffer.from(bytes, 'base64'), (error) => {
        if (error === undefined || error === null) course.sent();
      });
    },
    close: () => void socket.destroy(),
  };
}

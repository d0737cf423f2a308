import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import { isOffhookError, OffhookError } from '@offhook/common';
import { fuzzing, inPieces, isReadOrRefused, mangled } from '@offhook/common/fuzz';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAnswer, readLine, refusal } from '../src/port/greeting.ts';

const lines = ['media\n', 'ok\n', 'error no-client nobody is there\n', 'error\n'].map((line) =>
  Buffer.from(line),
);
const pieces = ['\n', '\r\n', '\0', ' ', 'error ', 'x'.repeat(300), 'é'];
const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 });

describe('what an application and the port helper say to each other', () => {
  it('is one line, and what follows stays; or it is refused with a reason', async () => {
    const { signal } = new AbortController();
    await fc.assert(
      fc.asyncProperty(mangled(lines, pieces), sizes, async (bytes, cuts) => {
        const socket = new PassThrough();
        const reading = readLine(socket as unknown as Socket, signal).then(
          (line) => ({ line }),
          (error: unknown) => ({ error }),
        );
        for (const piece of inPieces(bytes, cuts)) socket.write(piece);
        socket.end();
        const outcome = await reading;
        expect('line' in outcome || isOffhookError(outcome.error)).toBe(true);
        if ('error' in outcome) return;
        const rest: Buffer[] = [];
        for await (const chunk of socket) rest.push(chunk as Buffer);
        const end = bytes.indexOf('\n');
        expect(outcome.line).toBe(bytes.subarray(0, end).toString('utf8'));
        expect(Buffer.concat(rest)).toEqual(bytes.subarray(end + 1));
      }),
      fuzzing(300),
    );
  });

  it('is an answer or an error of ours, and a refusal is always one line', () => {
    fc.assert(
      fc.property(mangled(lines, pieces), fc.string(), (bytes, text) => {
        expect(isReadOrRefused(() => checkAnswer(bytes.toString('utf8')))).toBe(true);
        const line = refusal(new OffhookError('channel', 'closed', text));
        expect(line).not.toMatch(/[\r\n]/u);
        expect(line.length).toBeLessThan(512);
      }),
      fuzzing(),
    );
  });
});

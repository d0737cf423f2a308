import { OffhookError } from '@offhook/common';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AmiReader,
  encodeAction,
  MAX_LINE_BYTES,
  type AmiPacket,
} from '../../src/asterisk/ami-packet.ts';

function read(bytes: Buffer, step = bytes.length): { packets: AmiPacket[]; sane: boolean } {
  const reader = new AmiReader();
  const packets: AmiPacket[] = [];
  let sane = true;
  for (let at = 0; at < bytes.length && sane; at += step) {
    sane = reader.push(bytes.subarray(at, at + step), (packet) => packets.push(packet));
  }
  return { packets, sane };
}

const values = fc
  .array(
    fc.constantFrom('\r', '\n', '\0', '\r\n\r\n', 'Action: ', ':', ' ', '7', 'é', '\u{2028}', '😀'),
    {
      maxLength: 8,
    },
  )
  .map((pieces) => pieces.join(''));

/** What the far end reads, or the code of the refusal. */
function outcome(value: string): unknown {
  try {
    return read(Buffer.from(encodeAction('Originate', [['Exten', value]]))).packets;
  } catch (error) {
    return error instanceof OffhookError ? error.code : error;
  }
}

describe('what goes to the manager interface', () => {
  it('is one action with the values given, whatever they are, or is refused', () => {
    fc.assert(
      fc.property(values, (value) => {
        const bad = /[\r\n\0]/.test(value);
        expect(outcome(value)).toEqual(
          bad
            ? 'bad-value'
            : [{ Action: 'Originate', Exten: Buffer.from(value).toString().trimStart() }],
        );
      }),
      { numRuns: 300 },
    );
  });

  it.each(['1\r\nAction: Command', '1\n\nAction: Hangup', '1\r', '1\0'])(
    'never has a value with a line end: %j',
    (value) => {
      expect(() => encodeAction('Originate', [['Exten', value]])).toThrow('line end');
    },
  );

  it('is not longer than an action can be', () => {
    expect(() => encodeAction('UserEvent', [['Text', 'x'.repeat(10_000)]])).toThrow('too long');
  });
});

describe('what comes from it', () => {
  const event = Buffer.from(
    'Asterisk Call Manager/11.0.0\r\nEvent: Hangup\r\nCause-txt: Normal: Clearing\r\n\r\n' +
      'Event: Ping\r\n\r\n',
  );

  it.each([1, 2, 7, 1000])('is cut into packets, in pieces of %i bytes too', (step) => {
    expect(read(event, step)).toEqual({
      packets: [{ Event: 'Hangup', 'Cause-txt': 'Normal: Clearing' }, { Event: 'Ping' }],
      sane: true,
    });
  });

  it('may not have a line of a megabyte', () => {
    expect(read(Buffer.alloc(1024 * 1024, 'x'), MAX_LINE_BYTES)).toEqual({
      packets: [],
      sane: false,
    });
  });

  it('may not have a packet without end', () => {
    expect(read(Buffer.from('A: b\r\n'.repeat(5000))).sane).toBe(false);
  });

  it('cannot reach the prototype of a packet', () => {
    const { packets } = read(Buffer.from('__proto__: x\r\nconstructor: y\r\n\r\n'));
    expect(Object.keys(packets[0] ?? {})).toEqual(['__proto__', 'constructor']);
  });

  it('never breaks the reader, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.integer({ min: 1, max: 50 }),
        (bytes, step) => {
          expect(read(Buffer.from(bytes), step).packets.length).toBeLessThan(bytes.length + 1);
        },
      ),
      { numRuns: 300 },
    );
  });
});

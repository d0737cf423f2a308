import { applyDialogInfo } from '@offhook/signaling/documents';
import { fuzzing, inPieces, isReadOrRefused, mangled } from '@offhook/common/fuzz';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AmiReader } from '../src/asterisk/ami-packet.ts';
import { ChannelTable } from '../src/asterisk/channel-table.ts';
import { CstaBook } from '../src/csta/book.ts';
import { CstaFrameReader, encodeFrame } from '../src/csta/tcp-link.ts';
import { parseXml } from '../src/csta/xml.ts';
import { ChannelBook } from '../src/freeswitch/channel-book.ts';
import { EslReader, parseEvent } from '../src/freeswitch/esl-message.ts';
import { CallModel } from '../src/model/call-model.ts';
import type { Fact } from '../src/model/facts.ts';
import { DialogBook } from '../src/sip/dialog-book.ts';

/** Whatever a PBX says, facts come of it, and the model takes them: each connection is in one call. */
function takes(facts: readonly Fact[]): void {
  const model = new CallModel();
  for (const fact of facts) model.apply(fact, 0);
  const inCalls = model.calls().flatMap(({ connections }) => connections.map(({ id }) => id));
  expect(inCalls.toSorted()).toEqual(
    model
      .snapshot()
      .connections.map(({ id }) => id)
      .toSorted(),
  );
}

const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 });

const AMI = [
  'Asterisk Call Manager/9.0.0\r\n',
  'Event: Newchannel\r\nChannel: PJSIP/alice-00000001\r\nChannelState: 0\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\nExten: bob\r\n\r\n',
  'Event: Newstate\r\nChannel: PJSIP/alice-00000001\r\nChannelState: 6\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n',
  'Event: BridgeEnter\r\nBridgeUniqueid: b\r\nChannel: PJSIP/alice-00000001\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n',
  'Event: Hangup\r\nChannel: PJSIP/alice-00000001\r\nUniqueid: 1.1\r\nCause: 17\r\n\r\n',
].map((text) => Buffer.from(text));

const CSTA = [
  '<DeliveredEvent><connection><callID>1</callID><deviceID>alice</deviceID></connection><cause>newCall</cause></DeliveredEvent>',
  '<TransferedEvent><primaryOldCall><callID>1</callID><deviceID>alice</deviceID></primaryOldCall><transferredConnections><connectionListItem><newConnection><callID>2</callID><deviceID>bob</deviceID></newConnection><oldConnection><callID>1</callID><deviceID>bob</deviceID></oldConnection></connectionListItem></transferredConnections></TransferedEvent>',
  '<ForwardingEvent><device><deviceIdentifier>alice</deviceIdentifier></device><forwardingType>forwardBusy</forwardingType><forwardTo>1</forwardTo></ForwardingEvent>',
];

const ESL = ['CHANNEL_CREATE', 'CHANNEL_BRIDGE', 'CHANNEL_HANGUP', 'DTMF'].map((name) => {
  const event = `Event-Name: ${name}\nUnique-ID: u1\nChannel-Call-UUID: u1\nChannel-Call-State: ACTIVE\nCall-Direction: inbound\nChannel-Presence-ID: alice%40pbx\nOther-Leg-Unique-ID: u2\nDTMF-Digit: 1\n\n`;
  return Buffer.from(`Content-Length: ${event.length}\nContent-Type: text/event-plain\n\n${event}`);
});

const DIALOGS = [
  '<dialog-info version="1" state="full"><dialog id="a" call-id="c" local-tag="l" remote-tag="r" direction="initiator"><state event="rejected" code="486">confirmed</state><replaces call-id="b" local-tag="x" remote-tag="y"/><referred-by>sip:bob@x</referred-by><local><target uri="sip:a"><param pname="+sip.rendering" pval="no"/></target></local><remote><identity>sip:bob@x</identity></remote></dialog></dialog-info>',
].map((text) => Buffer.from(text));

describe('what PBXs and phones never say', () => {
  it('is read or refused by the reader of the manager interface', () => {
    fc.assert(
      fc.property(mangled(AMI, ['\r\n\r\n', ': ', '\0', 'Event: ']), sizes, (bytes, cuts) => {
        const reader = new AmiReader();
        const table = new ChannelTable({ name: 'pbx', contract: 'offhook', isDevice: () => true });
        const facts: Fact[] = [];
        for (const piece of inPieces(bytes, cuts)) {
          if (!reader.push(piece, (packet) => facts.push(...table.apply(packet)))) break;
        }
        expect(() => takes(facts)).not.toThrow();
      }),
      fuzzing(500),
    );
  });

  it('is read or refused by the reader of CSTA-XML', () => {
    const frames = CSTA.map((xml) => encodeFrame({ invokeId: 9999, xml }));
    fc.assert(
      fc.property(mangled(frames, ['<', '&', '<!DOCTYPE', ']]>', '</']), sizes, (bytes, cuts) => {
        const reader = new CstaFrameReader();
        const book = new CstaBook('csta', [{ id: 'alice' }, { id: 'bob' }], []);
        for (const piece of inPieces(bytes, cuts)) {
          const goesOn = reader.push(piece, ({ xml }) => {
            expect(isReadOrRefused(() => takes(book.event(parseXml(xml))))).toBe(true);
          });
          if (!goesOn) break;
        }
      }),
      fuzzing(500),
    );
  });

  it('is read or refused by CSTA’s own XML, without a frame', () => {
    const documents = CSTA.map((xml) => Buffer.from(xml));
    fc.assert(
      fc.property(mangled(documents, ['<', '>', '&amp', '<![CDATA[', '<?']), (bytes) => {
        const book = new CstaBook('csta', [{ id: 'alice' }], []);
        const read = () => takes(book.event(parseXml(bytes.toString('utf8'))));
        expect(isReadOrRefused(read)).toBe(true);
      }),
      fuzzing(500),
    );
  });

  it('is read or refused by the reader of an event socket', () => {
    fc.assert(
      fc.property(mangled(ESL, ['\n\n', ': ', '%', 'Content-Length: 9']), sizes, (bytes, cuts) => {
        const reader = new EslReader();
        const book = new ChannelBook('fs', 'pbx');
        const facts: Fact[] = [];
        for (const piece of inPieces(bytes, cuts)) {
          const goesOn = reader.push(piece, ({ body }) =>
            facts.push(...book.apply(parseEvent(body).headers)),
          );
          if (!goesOn) break;
        }
        expect(() => takes(facts)).not.toThrow();
      }),
      fuzzing(500),
    );
  });

  it('is read or left out by the reader of dialog events', () => {
    fc.assert(
      fc.property(mangled(DIALOGS, ['<', '"', '&', '<dialog id="b">']), (bytes) => {
        const book = new DialogBook('sip', [{ id: 'alice', uri: 'sip:alice@x' }], []);
        const table = applyDialogInfo(undefined, bytes.toString('utf8'));
        expect(() => takes(table === undefined ? [] : book.update('alice', table))).not.toThrow();
      }),
      fuzzing(500),
    );
  });
});

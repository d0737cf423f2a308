import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AmiPacket } from '../../src/asterisk/ami-packet.ts';
import { ChannelTable } from '../../src/asterisk/channel-table.ts';
import { CallModel } from '../../src/model/call-model.ts';

const options = { name: 'pbx', contract: 'offhook', isDevice: (name: string) => name !== 'trunk' };

function channel(id: string, name: string, state: number, more: AmiPacket = {}): AmiPacket {
  return {
    Event: 'Newchannel',
    Uniqueid: id,
    Linkedid: '1',
    Channel: `PJSIP/${name}-0000000${id}`,
    ChannelState: String(state),
    ...more,
  };
}

describe('the table of channels', () => {
  it('tells a party outside as a connection without a device', () => {
    const table = new ChannelTable(options);
    const [fact] = table.apply(channel('1', 'trunk', 4, { CallerIDNum: '0301234' }));
    expect(fact).toMatchObject({ device: undefined, party: { number: '0301234' } });
  });

  it('takes no notice of the channels that Asterisk makes for itself', () => {
    const table = new ChannelTable(options);
    expect(table.apply(channel('1', 'x', 6, { Channel: 'Local/600@phones-00000001;1' }))).toEqual(
      [],
    );
  });

  it('gives a channel that another phone took over to that phone', () => {
    const table = new ChannelTable(options);
    table.apply(channel('1', 'alice', 6));
    const facts = table.apply({
      Event: 'Rename',
      Uniqueid: '1',
      Channel: 'PJSIP/alice-00000001',
      Newname: 'PJSIP/bob-00000002',
    });
    expect(facts).toMatchObject([
      { kind: 'cleared', key: 'pbx:1' },
      { kind: 'connection', key: 'pbx:1~2', device: 'bob' },
    ]);
  });

  it('does not revive a channel from a listing that was made before it ended', () => {
    const table = new ChannelTable(options);
    table.beginListing();
    table.apply(channel('1', 'alice', 6));
    table.apply({ Event: 'Hangup', Uniqueid: '1', Cause: '16' });
    table.endListing([channel('1', 'alice', 6)]);
    expect(table.facts()).toEqual([]);
  });

  it('does not take from a listing what it first hears of when it ends', () => {
    const table = new ChannelTable(options);
    table.beginListing();
    table.apply({ Event: 'Hangup', Uniqueid: '1', Cause: '16' });
    table.endListing([channel('1', 'alice', 6)]);
    expect(table.facts()).toEqual([]);
  });

  it('keeps a channel that began after its listing was made', () => {
    const table = new ChannelTable(options);
    table.beginListing();
    table.apply(channel('1', 'alice', 4));
    table.endListing([]);
    expect(table.facts()).toHaveLength(1);
  });

  it('keeps after a reconnect that a phone holds, which no listing tells', () => {
    const table = new ChannelTable(options);
    table.apply(channel('1', 'alice', 6));
    table.apply({ Event: 'Hold', Uniqueid: '1' });
    table.beginListing();
    table.endListing([channel('1', 'alice', 6)]);
    expect(table.facts()).toMatchObject([{ state: 'hold' }]);
  });

  it('and the model stand any events, of unknown channels too, in any order', () => {
    const id = fc.constantFrom('1', '2', '3', '4');
    const event = fc
      .record({
        Event: fc.constantFrom(
          'Newchannel',
          'Newstate',
          'DialBegin',
          'DialEnd',
          'BridgeEnter',
          'BridgeLeave',
          'Hold',
          'Unhold',
          'Hangup',
          'Rename',
          'BlindTransfer',
          'AttendedTransfer',
          'ChanSpyStart',
          'ParkedCall',
          'UnParkedCall',
          'DTMFEnd',
          'Nonsense',
        ),
        Uniqueid: id,
        Linkedid: id,
        DestUniqueid: id,
        SpyerUniqueid: id,
        SpyeeUniqueid: id,
        ParkeeUniqueid: id,
        TransfererUniqueid: id,
        OrigTransfererUniqueid: id,
        SecondTransfererUniqueid: id,
        BridgeUniqueid: fc.constantFrom('b1', 'b2'),
        ChannelState: fc.constantFrom('0', '4', '5', '6', 'x'),
        Channel: fc.constantFrom('PJSIP/alice-00000001', 'PJSIP/bob-00000002', 'Local/x', ''),
        Newname: fc.constantFrom('PJSIP/carol-00000003', 'PJSIP/alice-00000001<ZOMBIE>'),
        DialStatus: fc.constantFrom('BUSY', 'ANSWER'),
        Result: fc.constantFrom('Success', 'Fail'),
        Direction: fc.constant('Received'),
        Digit: fc.constant('1'),
      })
      .map((one): AmiPacket => one);
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const table = new ChannelTable(options);
        const model = new CallModel();
        for (const one of events) for (const fact of table.apply(one)) model.apply(fact, 1);
        const devices = model.devices();
        model.apply({ kind: 'snapshot', devices, connections: table.facts() }, 2);
        const told = model.snapshot().connections.map((one) => one.id);
        expect(told.toSorted()).toEqual(
          table
            .facts()
            .map(({ key }) => key)
            .toSorted(),
        );
      }),
      { numRuns: 300 },
    );
  });
});

import assert from 'node:assert/strict';
import { until } from '../infra/wait.ts';
import type { Phone } from '../phone/phone.ts';
import { exchange } from './exchange.ts';
import { withAsterisk } from './with-asterisk.ts';

async function lamp(phone: Phone, target: string, state: string): Promise<void> {
  let seen = '';
  await until(
    `the lamp of ${target} to be ${state}`,
    async () => {
      const { lamps } = await phone.call('lamps.list', {});
      const found = lamps.find((one) => one.target.includes(target));
      seen = `${found?.state} (${found?.trouble ?? 'no trouble'})`;
      return found?.state === state || undefined;
    },
    { within: 8000, every: 50, seen: () => `it is ${seen}` },
  );
}

/** What a PBX tells of others, and text messages. */
export const asteriskPresence = [
  ...withAsterisk({
    id: 'asterisk-lamps',
    title:
      'Lamps follow a phone at Asterisk: free, ringing, busy, free; as dialogs and as presence',
    requirements: ['event.dialog', 'event.presence'],
    async run(stage) {
      const users = { 'alice-watch': {}, 'bob-watch': {}, 'carol-watch': {} };
      const { phone, aor } = await exchange(stage, users);
      const account = aor('alice-watch');
      await phone.call('lamp.watch', { target: aor('carol-watch'), account });
      await phone.call('lamp.watch', { target: aor('bob-watch'), event: 'presence', account });
      await lamp(phone, 'carol-watch', 'free');
      await lamp(phone, 'bob-watch', 'free');
      const since = phone.eventMark;
      const { id: caller } = await phone.dial(aor('carol-watch'), aor('bob-watch'));
      const { id: called } = await phone.rings(since);
      await lamp(phone, 'carol-watch', 'ringing');
      await phone.call('call.answer', { call: called, wait: 8000 });
      await lamp(phone, 'carol-watch', 'busy');
      await lamp(phone, 'bob-watch', 'busy');
      await phone.hangup(caller);
      await phone.becomes(called, 'ended');
      await lamp(phone, 'carol-watch', 'free');
      await lamp(phone, 'bob-watch', 'free');
    },
  }),
  ...withAsterisk({
    id: 'asterisk-text',
    title: 'Text messages by way of Asterisk, kept on both sides; one to nobody fails',
    requirements: ['uac.message', 'uas.message'],
    async run(stage) {
      const { phone, aor } = await exchange(stage, { 'alice-text': {}, 'bob-text': {} });
      const account = aor('alice-text');
      await phone.call('message.send', { to: aor('bob-text'), text: 'Lunch at one?', account });
      const { messages } = await until(
        'the message to come',
        async () => {
          const list = await phone.call('messages.list', {});
          return list.messages.length === 2 ? list : undefined;
        },
        { within: 6000, every: 50 },
      );
      const incoming = messages.find(({ direction }) => direction === 'in');
      assert.equal(incoming?.text, 'Lunch at one?');
      assert.match(incoming.peer, /alice-text/);
      assert.equal(incoming.account, aor('bob-text'));
      await assert.rejects(
        phone.call('message.send', { to: '0', text: 'Anybody?', account }),
        /no such number/,
      );
    },
  }),
  ...withAsterisk({
    id: 'asterisk-voicemail',
    title: 'Messages that wait at Asterisk are told, asked for and unasked',
    requirements: ['event.message-summary'],
    async run(stage) {
      const users = { 'alice-box': { voicemail: true }, 'bob-box': {} };
      const { phone, asterisk, aor } = await exchange(stage, users);
      const waits = async (fresh: number): Promise<void> => {
        for (const user of ['alice-box', 'bob-box']) {
          await until(
            `${fresh} messages to wait for ${user}`,
            async () => {
              const { mailboxes } = await phone.call('voicemail.list', {});
              const box = mailboxes.find(({ account }) => account === aor(user));
              return box?.fresh === fresh || undefined;
            },
            { within: 8000, every: 100 },
          );
        }
      };
      await asterisk.voicemail(2);
      await waits(2);
      await asterisk.voicemail(0);
      await waits(0);
    },
  }),
];

import assert from 'node:assert/strict';
import { header } from '../infra/sip-message.ts';
import { until } from '../infra/wait.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import { scenario } from '../runner/scenario.ts';
import { hangUp, soundBothWays } from './steps.ts';

/** What the phone tells and learns of persons and other phones. */
export const presence = [
  ...scenario({
    id: 'presence-published',
    title: 'The phone publishes that the person is there, and busy; and takes it back at the end',
    requirements: ['event.publish'],
    setting: { phone: 'own' },
    async run(stage) {
      const sipp = await stage.answering('uas-publish.xml', { calls: 3 });
      const guest = stage.scope.use(
        await GuestProcess.start({
          directory: stage.directory,
          channel: stage.engine.channel,
          accounts: [
            {
              aor: 'sip:alice@example.test',
              register: false,
              publish: true,
              outbound_proxy: `${sipp.uri().replace('bob@', '')};lr`,
            },
          ],
          signal: stage.signal,
        }),
      );
      await sipp.receives('PUBLISH');
      await guest.phone.call('settings.doNotDisturb', { on: true });
      await sipp.receives('PUBLISH', { count: 2 });
      await guest.stop();
      await sipp.done();
      const [there, busy, gone] = sipp.received('PUBLISH');
      assert.ok(there !== undefined && busy !== undefined && gone !== undefined);
      assert.equal(header(there, 'event'), 'presence');
      assert.equal(header(there, 'sip-if-match'), undefined);
      assert.match(there.body, /<basic>open<\/basic>/);
      assert.equal(header(busy, 'sip-if-match'), 'state1');
      assert.match(busy.body, /busy/);
      assert.equal(header(gone, 'sip-if-match'), 'state2');
      assert.equal(header(gone, 'expires'), '0');
      assert.equal(gone.body.trim(), '');
    },
  }),
  ...scenario({
    id: 'pickup-replaces',
    title: 'A call that rings at a watched phone is taken from there by Replaces',
    requirements: ['event.dialog', 'replaces.out'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const far = await stage.media();
      const caller = await stage.answering('uas-answer.xml', {
        name: 'caller',
        media: far,
        extra: ['-d', '50'],
      });
      const watched = await stage.answering('uas-dialog-info.xml', {
        name: 'watched',
        keys: { caller: caller.uri() },
      });
      const target = watched.uri();
      await stage.phone.call('lamp.watch', { target, account: 'alice' });
      await until(
        'the lamp to be lit',
        async () => {
          const { lamps } = await stage.phone.call('lamps.list', {});
          return lamps.find((lamp) => lamp.target === target && lamp.state === 'ringing');
        },
        { within: 5000, every: 50 },
      );
      const { id } = await stage.phone.call('call.pickup', {
        extension: target,
        account: 'alice',
        wait: 5000,
      });
      const [invite] = caller.received('INVITE');
      assert.ok(invite !== undefined);
      assert.equal(
        header(invite, 'replaces'),
        'ringing@there;to-tag=caller;from-tag=called;early-only',
      );
      assert.equal(header(invite, 'require'), 'replaces');
      const placed = { sipp: caller, call: id, far };
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
      await stage.phone.call('lamp.unwatch', { target, account: 'alice' });
      await watched.done();
    },
  }),
];

import assert from 'node:assert/strict';
import { header } from '../infra/sip-message.ts';
import { NameServer } from '../infra/name-server.ts';
import { freePorts } from '../infra/ports.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import { scenario } from '../runner/scenario.ts';

const AOR = 'sip:alice@office.test';

export const dns = scenario({
  id: 'dns-naptr-srv',
  title: 'DNS says how and where: TCP by NAPTR, past a server that is down, by SRV',
  requirements: ['net.dns'],
  setting: { phone: 'own' },
  needs: ['dnsmasq'],
  async run(stage) {
    const down = await freePorts(1);
    const registrar = await stage.answering('registrar.xml', {
      transport: 'tcp',
      keys: { expires: 600 },
      extra: ['-recv_timeout', '20000'],
    });
    const far = await stage.answering('uas-answer.xml', { extra: ['-d', '50'] });
    const server = stage.scope.use(
      await NameServer.start({
        directory: stage.directory,
        records: [
          'naptr-record=office.test,10,10,s,SIP+D2T,,_sip._tcp.office.test',
          'naptr-record=office.test,20,10,s,SIP+D2U,,_sip._udp.office.test',
          `srv-host=_sip._tcp.office.test,one.office.test,${down},10,10`,
          `srv-host=_sip._tcp.office.test,two.office.test,${registrar.port},20,10`,
          // No NAPTR: what SRV records are there for tells the transport.
          `srv-host=_sip._udp.branch.test,one.office.test,${down},10,10`,
          `srv-host=_sip._udp.branch.test,two.office.test,${far.port},20,10`,
          'host-record=one.office.test,127.0.0.1',
          'host-record=two.office.test,127.0.0.1',
        ],
      }),
    );
    const guest = stage.scope.use(
      await GuestProcess.start({
        directory: stage.directory,
        channel: stage.engine.channel,
        addresses: ['127.0.0.1'],
        accounts: [{ aor: AOR, password: 'wonderland' }],
        config: { sip: { name_servers: [server.address] } },
        signal: stage.signal,
      }),
    );
    const { phone } = guest;
    await phone.registration(AOR, 'registered', 10_000);
    const [register] = registrar.received('REGISTER');
    assert.match(register?.startLine ?? '', /^REGISTER sip:office\.test /);
    assert.match((register && header(register, 'via')) ?? '', /^SIP\/2\.0\/TCP /);

    await phone.call('call.dial', { target: 'sip:bob@branch.test', wait: 10_000 });
    await phone.call('call.hangup', { all: true });
    await far.done();
    assert.match(far.received('INVITE')[0]?.startLine ?? '', /^INVITE sip:bob@branch\.test /);
    await guest.stop();
    await registrar.done();
  },
});

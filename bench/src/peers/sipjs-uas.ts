// The peer of P9 as a process of its own: the Core layer of sip.js as it is released, with the
// smallest UDP transport that it works with. Answers every INVITE with 200 and every BYE. Prints
// its port.
import { createSocket } from 'node:dgram';

import { Core, Grammar, type URI } from 'sip.js';

const HOST = '127.0.0.1';
const ANSWER = [
  'v=0',
  `o=- 1 1 IN IP4 ${HOST}`,
  's=-',
  `c=IN IP4 ${HOST}`,
  't=0 0',
  'm=audio 40000 RTP/AVP 8',
  'a=rtpmap:8 PCMA/8000',
  '',
].join('\r\n');

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
const { port } = socket.address();

const logger: Core.Logger = Object.assign(Object.create(Core.Logger.prototype), {
  error: () => undefined,
  warn: () => undefined,
  log: () => undefined,
  debug: () => undefined,
});
const loggerFactory = Object.assign(Object.create(Core.LoggerFactory.prototype), {
  getLogger: () => logger,
});

const transport: Core.Transport = {
  protocol: 'UDP',
  async send(message: string) {
    const via = /^Via:\s*SIP\/2\.0\/UDP\s+([^;:\s]+)(?::(\d+))?/im.exec(message);
    if (via?.[1] !== undefined) socket.send(message, Number(via[2] ?? 5060), via[1]);
  },
};

function uri(text: string): URI {
  const parsed = Grammar.URIParse(text);
  if (parsed === undefined) throw new Error(`not a URI: ${text}`);
  return parsed;
}

const contact = uri(`sip:bench@${HOST}:${port}`);
const core = new Core.UserAgentCore(
  {
    aor: contact,
    contact: {
      pubGruu: undefined,
      tempGruu: undefined,
      uri: contact,
      toString: () => `<${contact.toString()}>`,
    },
    displayName: '',
    loggerFactory,
    hackViaTcp: false,
    routeSet: [],
    sipjsId: 'bench',
    supportedOptionTags: [],
    supportedOptionTagsResponse: [],
    userAgentHeaderFieldValue: 'sip.js',
    viaForceRport: false,
    viaHost: HOST,
    authenticationFactory: () => undefined,
    transportAccessor: () => transport,
  },
  {
    onInvite(request) {
      const { session } = request.accept({
        statusCode: 200,
        body: { contentDisposition: 'session', contentType: 'application/sdp', content: ANSWER },
      });
      session.delegate = { onBye: (bye) => void bye.accept() };
    },
  },
);

socket.on('message', (bytes) => {
  const message = Core.Parser.parseMessage(bytes.toString('utf8'), logger);
  if (message instanceof Core.IncomingRequestMessage)
    core.receiveIncomingRequestFromTransport(message);
  else if (message !== undefined) core.receiveIncomingResponseFromTransport(message);
});
process.on('SIGTERM', () => process.exit(0));
console.log(`listening ${port}`);

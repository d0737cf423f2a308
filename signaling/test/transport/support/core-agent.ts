import { Core, type URI } from 'sip.js';
import type { ListenAddress } from '../../../src/api.ts';
import type {
  IncomingRequest,
  IncomingResponse,
  Router,
  TransportLayer,
  TransportLayerOptions,
} from '../../../src/transport/layer.ts';
import { createTransportLayer } from '../../../src/transport/transport-layer.ts';
import { bracket } from '../../../src/transport/via.ts';

export interface CoreAgent {
  readonly layer: TransportLayer;
  readonly core: Core.UserAgentCore;
  /** A URI of this agent at one of its listening points. */
  uri(transport?: ListenAddress['transport']): URI;
  readonly requests: IncomingRequest[];
  readonly responses: IncomingResponse[];
  close(): Promise<void>;
}

export interface CoreAgentOptions {
  readonly user: string;
  readonly layer: TransportLayerOptions;
  readonly delegate?: Core.UserAgentCoreDelegate;
  readonly router?: Router;
}

const quiet = new Core.LoggerFactory();
quiet.builtinEnabled = false;

/** sip.js's core on a transport layer, as bare as it can be. */
export async function coreAgent(options: CoreAgentOptions): Promise<CoreAgent> {
  const layer = await createTransportLayer(options.layer);
  const requests: IncomingRequest[] = [];
  const responses: IncomingResponse[] = [];
  const transport = layer.coreTransport(options.router);
  const uri = (wanted?: ListenAddress['transport']): URI => {
    const at = layer.listening.find((one) => wanted === undefined || one.transport === wanted);
    if (at === undefined) throw new Error(`nothing listens for ${wanted}`);
    return uriOf(`sip:${options.user}@${bracket(at.address)}:${at.port};transport=${at.transport}`);
  };
  const contact = uri();
  const core = new Core.UserAgentCore(
    {
      aor: uriOf(`sip:${options.user}@example.com`),
      contact: {
        uri: contact,
        pubGruu: undefined,
        tempGruu: undefined,
        toString: () => `<${contact.toString()}>`,
      },
      displayName: '',
      loggerFactory: quiet,
      hackViaTcp: false,
      routeSet: [],
      sipjsId: 'test-',
      supportedOptionTags: [],
      supportedOptionTagsResponse: [],
      userAgentHeaderFieldValue: 'test',
      viaForceRport: true,
      viaHost: 'core.invalid',
      authenticationFactory: () => undefined,
      transportAccessor: () => transport,
    },
    options.delegate ?? {},
  );
  layer.receive({
    request: (event) => {
      requests.push(event);
      core.receiveIncomingRequestFromTransport(event.message);
    },
    response: (event) => {
      responses.push(event);
      core.receiveIncomingResponseFromTransport(event.message);
    },
  });
  return {
    layer,
    core,
    uri,
    requests,
    responses,
    close: async () => {
      core.dispose();
      await layer.close();
    },
  };
}

export function uriOf(text: string): URI {
  const uri = Core.Grammar.URIParse(text);
  if (uri === undefined) throw new Error(`no URI: ${text}`);
  return uri;
}

/** A request of the agent to a URI, outside any dialog. */
export function requestTo(
  agent: CoreAgent,
  method: string,
  target: URI,
  extra: { headers?: string[]; body?: Core.Body } = {},
): Core.OutgoingRequestMessage {
  const from = agent.core.configuration.aor;
  return agent.core.makeOutgoingRequestMessage(
    method,
    target,
    from,
    target,
    {},
    extra.headers ?? [],
    extra.body,
  );
}

export const OFFER: Core.Body = {
  contentDisposition: 'session',
  contentType: 'application/sdp',
  content:
    'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n',
};

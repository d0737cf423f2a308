import type { IncomingCall } from '@offhook/signaling';
import type { GuestConfig } from '../config.ts';
import type { Line } from './call-manager.ts';
import type { CallSession } from './call-session.ts';
import type { ExpectedCalls } from './expected-calls.ts';
import { incomingDecision } from './incoming-policy.ts';
import type { Settings } from './person-settings.ts';

export interface ReceptionParts {
  readonly config: Pick<GuestConfig, 'calls'>;
  readonly settings: Settings;
  readonly mustRing: () => boolean;
  /** Whether another call is up, or rings. */
  readonly busy: (but: CallSession) => boolean;
  readonly targetOf: (line: Line, target: string) => string;
  /** A call that somebody waits for is his. */
  readonly expected: ExpectedCalls;
  /** It rings: tones, screens. */
  readonly announce: (session: CallSession) => void;
}

/** Does with a call that comes in what the person and the configuration say. */
export function welcome(
  parts: ReceptionParts,
  line: Line,
  session: CallSession,
  sip: IncomingCall,
): void {
  const { config, settings, targetOf, announce } = parts;
  if (parts.expected.take(session)) return;
  const forwarding = settings.forwardingOf(line.config);
  const decision = incomingDecision({
    header: (name) => sip.header(name),
    replaces: sip.replaces !== undefined,
    mustRing: parts.mustRing(),
    doNotDisturb: settings.current.doNotDisturb,
    forwarding,
    busy: parts.busy(session),
    callWaiting: config.calls.waiting,
    autoAnswerMs: line.config.auto_answer,
    answerOnRequest: line.config.answer_on_request,
  });
  switch (decision.type) {
    case 'refuse':
      session.input({ ...decision, type: 'reject' });
      break;
    case 'forward': {
      const contacts = [targetOf(line, decision.target)];
      session.input({ type: 'reject', status: 302, contacts });
      break;
    }
    case 'answer':
      // A call that is taken at once does not ring.
      if (decision.afterMs === 0) session.input({ type: 'answer' });
      else {
        announce(session);
        session.answerAfter(decision.afterMs);
      }
      break;
    case 'ring':
      announce(session);
      if (forwarding.noAnswer !== undefined && !parts.mustRing()) {
        session.forwardAfter(forwarding.afterMs, targetOf(line, forwarding.noAnswer));
      }
      break;
    default:
      decision satisfies never;
  }
}

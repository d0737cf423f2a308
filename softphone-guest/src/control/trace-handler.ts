import type { CallManager } from '../call/call-manager.ts';
import type { Call } from '../call/model.ts';
import type { Trace, TraceStore } from '../trace/trace-store.ts';
import type { ControlParams, ControlResult } from './api.ts';
import { describeCall } from './info.ts';
import { selectCall } from './select-calls.ts';

/** Messages in one answer: it stays well below what a line of the control socket may have. */
const MAX_ANSWER_CHARACTERS = 512 * 1024;

/** Serves `trace.get`; with `wait` it answers when there is something new, so that a trace can be followed. */
export async function getTrace(
  parts: { readonly manager: CallManager; readonly trace: TraceStore },
  params: ControlParams<'trace.get'>,
  signal: AbortSignal,
): Promise<ControlResult<'trace.get'>> {
  const { manager, trace } = parts;
  const call = params.all ? undefined : callOf(manager, params.call);
  const read = () => (call === undefined ? trace.all() : trace.get(call.sipCallId));
  let found = read();
  if (params.wait > 0 && isSeen(found, params.after) && !isEnded(manager, call?.id)) {
    await news(parts, call, params.wait, signal);
    found = read();
  }
  const { messages, next } = page(found, params.after);
  return {
    call:
      call === undefined
        ? null
        : describeCall(
            manager.list().find(({ id }) => id === call.id)?.call ?? call,
            manager.history.find(call.id)?.stats,
          ),
    messages,
    next,
    dropped: found.dropped,
  };
}

function callOf(manager: CallManager, id: string | undefined): Call {
  const over = id === undefined ? manager.history.list(1)[0] : manager.history.find(id);
  if (over !== undefined && (id !== undefined || manager.list().length === 0)) return over.call;
  return selectCall(manager.list(), id, { verb: 'trace', fits: () => true }).call;
}

function isSeen({ entries, dropped }: Trace, after: number): boolean {
  return entries.length + dropped <= after;
}

/** `after` counts messages since the beginning, also those that are gone. */
function page({ entries, dropped }: Trace, after: number) {
  const messages: Trace['entries'][number][] = [];
  let next = Math.max(after, dropped);
  let characters = 0;
  for (const entry of entries.slice(Math.max(0, after - dropped))) {
    characters += entry.message.length;
    if (messages.length > 0 && characters > MAX_ANSWER_CHARACTERS) break;
    messages.push({ ...entry });
    next += 1;
  }
  return { messages, next };
}

function isEnded(manager: CallManager, id: string | undefined): boolean {
  return id !== undefined && manager.history.find(id) !== undefined;
}

/** Resolves at the next message of that call, or of any, or at its end; at the latest after `ms`. */
async function news(
  { manager, trace }: { readonly manager: CallManager; readonly trace: TraceStore },
  call: Call | undefined,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unwatch = trace.watch((callId) => {
    if (call === undefined || callId === call.sipCallId) resolve();
  });
  const off = manager.events.on('ended', (over) => {
    if (over.call.id === call?.id) resolve();
  });
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve(), { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    unwatch();
    off();
  }
}

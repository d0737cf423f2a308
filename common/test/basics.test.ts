import { describe, expect, it, vi } from 'vitest';
import {
  createLogger,
  describeError,
  Emitter,
  isOffhookError,
  ManualClock,
  OffhookError,
  silentLogger,
  systemClock,
  withDeadline,
} from '../src/index.ts';

describe('ManualClock', () => {
  it('fires timers in the order of their time, each at its own', async () => {
    const clock = new ManualClock();
    const log: string[] = [];
    clock.after(20, () => log.push(`b ${clock.now()}`));
    clock.after(10, () => log.push(`a ${clock.now()}`));
    clock.after(20, () => log.push(`c ${clock.now()}`));
    clock.after(30, () => log.push('too early'));
    await clock.advance(25);
    expect(log).toEqual(['a 10', 'b 20', 'c 20']);
    expect(clock.now()).toBe(25);
    expect(clock.pending).toBe(1);
  });

  it('fires timers that a timer sets, and lets code that waited run between them', async () => {
    const clock = new ManualClock();
    const log: string[] = [];
    const woken = new Promise<void>((resolve) => clock.after(10, resolve));
    const waiter = woken.then(() => log.push(`woken ${clock.now()}`));
    clock.after(10, () => clock.after(5, () => log.push(`inner ${clock.now()}`)));
    await clock.advance(20);
    await waiter;
    expect(log).toEqual(['woken 10', 'inner 15']);
  });

  it('forgets a timer that was cancelled, and moves the wall clock along', async () => {
    const clock = new ManualClock(1000);
    const fired = vi.fn<() => void>();
    const timer = clock.after(10, fired);
    timer.cancel();
    timer.cancel();
    await clock.advance(50);
    expect(fired).not.toHaveBeenCalled();
    expect(clock.wall()).toBe(1050);
  });
});

describe('systemClock', () => {
  it('never runs backwards, and fires after its time', async () => {
    const start = systemClock.now();
    await new Promise<void>((resolve) => systemClock.after(5, resolve));
    expect(systemClock.now() - start).toBeGreaterThanOrEqual(4);
    systemClock.after(60_000, () => undefined).cancel();
  });
});

describe('Emitter', () => {
  it('tells each listener of its own event until it unsubscribes', () => {
    const emitter = new Emitter<{ a: number; b: string }>();
    const log: unknown[] = [];
    const off = emitter.on('a', (value) => log.push(value));
    emitter.on('b', (value) => log.push(value));
    emitter.emit('a', 1);
    off();
    off();
    emitter.emit('a', 2);
    emitter.emit('b', 'x');
    emitter.clear();
    emitter.emit('b', 'y');
    expect(log).toEqual([1, 'x']);
  });

  it('does not let one listener keep an event from the others', () => {
    const errors: unknown[] = [];
    const emitter = new Emitter<{ a: number }>((error) => errors.push(error));
    const log: number[] = [];
    emitter.on('a', () => {
      throw new Error('choked');
    });
    emitter.on('a', (value) => log.push(value));
    emitter.emit('a', 7);
    expect(log).toEqual([7]);
    expect(errors).toMatchObject([{ message: 'choked' }]);
  });

  it('tells a listener that is added meanwhile only of the next event', () => {
    const emitter = new Emitter<{ a: number }>();
    const log: string[] = [];
    emitter.on('a', (value) => {
      if (value === 1) emitter.on('a', (later) => log.push(`later ${later}`));
    });
    emitter.emit('a', 1);
    emitter.emit('a', 2);
    expect(log).toEqual(['later 2']);
  });
});

describe('errors', () => {
  const error = new OffhookError('channel', 'reset', 'the peer cut the connection', {
    remedy: 'try again',
  });

  it('are told in one line with layer and remedy', () => {
    expect(describeError(error)).toBe('channel: the peer cut the connection (try again)');
    expect(describeError(new OffhookError('rpc', 'x', 'no answer'))).toBe('rpc: no answer');
    expect(describeError(new TypeError('bad'))).toBe('bad');
    expect(describeError('worse')).toBe('worse');
  });

  it('are known by their code', () => {
    expect(isOffhookError(error)).toBe(true);
    expect(isOffhookError(error, 'reset')).toBe(true);
    expect(isOffhookError(error, 'closed')).toBe(false);
    expect(isOffhookError(new Error('reset'), 'reset')).toBe(false);
  });
});

describe('withDeadline', () => {
  const options = { layer: 'rpc', what: 'the work', ms: 10_000 } as const;

  it('gives the result of work that is in time', async () => {
    expect(await withDeadline(options, () => Promise.resolve(5))).toBe(5);
  });

  it('rejects and aborts work that is late', async () => {
    let inner: AbortSignal | undefined;
    const late = withDeadline({ ...options, ms: 5 }, (signal) => {
      inner = signal;
      return new Promise(() => undefined);
    });
    await expect(late).rejects.toMatchObject({
      layer: 'rpc',
      code: 'timeout',
      message: 'the work took longer than 5 ms',
    });
    expect(inner?.aborted).toBe(true);
  });

  it('rejects with the reason of the outer signal', async () => {
    const controller = new AbortController();
    const waiting = withDeadline(
      { ...options, signal: controller.signal },
      () => new Promise(() => undefined),
    );
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    const again = withDeadline({ ...options, signal: controller.signal }, () => Promise.resolve());
    await expect(again).rejects.toThrow('enough');
  });

  it('passes on the failure of the work', async () => {
    const failing = withDeadline(options, () => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');
  });
});

describe('the log', () => {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };

  it('is one JSON object a line, with process, level and the fields of its child', () => {
    const log = createLogger({ name: 'offhook', destination }).child({ call: 'c1' });
    log.info({ port: 5060 }, 'listening');
    log.debug({}, 'not at this level');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      name: 'offhook',
      level: 'info',
      call: 'c1',
      port: 5060,
      msg: 'listening',
    });
    silentLogger.child({}).error({}, 'nothing');
  });

  it('hides what is secret', () => {
    const log = createLogger({ name: 'offhook', destination });
    log.info({ password: 'hunter2', account: { password: 'hunter2', token: 't' } }, 'account');
    log.info({ config: { account: { password: 'hunter2' } } }, 'configuration');
    log.child({ tls: { key: 'hunter2' } }).info({}, 'child');
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(lines.at(-3)).toMatchObject({
      password: '[hidden]',
      account: { password: '[hidden]', token: '[hidden]' },
    });
  });
});

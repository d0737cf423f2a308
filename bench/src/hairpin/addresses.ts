/** The host's end of the guest's network card, where the far end of the calls is as well. */
export const HOST = '10.0.2.2';
export const TAP = 'tap0';
/** The line between host and thin client, and the one that is slow and loses packets. */
export const LINE = { host: '10.5.0.1', client: '10.5.0.2' } as const;
export const SLOW_LINE = { host: '10.6.0.1', client: '10.6.0.2' } as const;

export type { Channel, ChannelEvents, ChannelListener, PeerIdentity } from './channel.ts';

/**
 * What must happen as one in Redis. Every script sees one moment, by Redis's own clock, so that the
 * bridges' clocks do not matter. A lease is `node token deadline` in the hash `leases`.
 */

const LEASE = `
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function holder(leases, pbx, at)
  local node, token, deadline = string.match(redis.call('HGET', leases, pbx) or '', '^(%S+) (%S+) (%d+)$')
  if node and tonumber(deadline) > at then return node, token end
end
`;

/**
 * KEYS run epoch seq log leases nodes; ARGV: id of this run of Redis, a new epoch.
 *
 * A Redis that was started anew, or took over from another, may have lost the last writes: the
 * numbers begin anew, and nobody has anything.
 */
export const ENTER = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] or not redis.call('GET', KEYS[2]) then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('SET', KEYS[2], ARGV[2])
  redis.call('SET', KEYS[3], 0)
  redis.call('DEL', KEYS[4], KEYS[5], KEYS[6])
end
return redis.call('GET', KEYS[2])
`;

/**
 * KEYS epoch leases nodes tokens statuses; ARGV: node, lease in ms, PBXs in all, how many statuses,
 * those as name and JSON, then the PBXs that are wanted.
 *
 * Returns the share, the number of nodes, and the hash of leases that are good: pbx, node, token …
 */
export const BEAT = `${LEASE}
local at = now()
local node, ms, total, told = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZADD', KEYS[3], at + ms, node)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', at)
local nodes = redis.call('ZCARD', KEYS[3])
local share = math.ceil(total / nodes)
local own, found = 0, {}
local function give(pbx, token)
  redis.call('HSET', KEYS[2], pbx, node .. ' ' .. token .. ' ' .. (at + ms))
  own = own + 1
end
local all = redis.call('HKEYS', KEYS[2])
for _, pbx in ipairs(all) do
  local who, token = holder(KEYS[2], pbx, at)
  if who == node then give(pbx, token) end
  if not who then redis.call('HDEL', KEYS[2], pbx) end
end
local base = 5
for n = 1, told do
  local pbx = ARGV[base]
  if holder(KEYS[2], pbx, at) == node then redis.call('HSET', KEYS[5], pbx, ARGV[base + 1]) end
  base = base + 2
end
for n = base, #ARGV do
  if own >= share then break end
  if not holder(KEYS[2], ARGV[n], at) then
    give(ARGV[n], redis.call('GET', KEYS[1]) .. ':' .. redis.call('INCR', KEYS[4]))
    redis.call('HDEL', KEYS[5], ARGV[n])
  end
end
for _, pbx in ipairs(redis.call('HKEYS', KEYS[2])) do
  local who, token = holder(KEYS[2], pbx, at)
  if who then
    found[#found + 1] = pbx
    found[#found + 1] = who
    found[#found + 1] = token
  end
end
return { share, nodes, found, redis.call('HGETALL', KEYS[5]) }
`;

/** KEYS leases; ARGV: pbx, token. */
export const RELEASE = `${LEASE}
local _, token = holder(KEYS[1], ARGV[1], now())
if token == ARGV[2] then return redis.call('HDEL', KEYS[1], ARGV[1]) end
return 0
`;

/**
 * KEYS leases seq log state; ARGV: pbx, token, events that are kept, how many events, those as JSON,
 * then keys and values of the state, an empty one for what is over.
 *
 * Returns the number of the last event, or -1 when the lease is over.
 */
export const APPEND = `${LEASE}
local _, token = holder(KEYS[1], ARGV[1], now())
if token ~= ARGV[2] then return -1 end
local count = tonumber(ARGV[4])
local seq = 0
for n = 1, count do
  seq = redis.call('INCR', KEYS[2])
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], seq .. '-0', 'p', ARGV[1], 'e', ARGV[4 + n])
end
for n = 5 + count, #ARGV, 2 do
  if ARGV[n + 1] == '' then redis.call('HDEL', KEYS[4], ARGV[n])
  else redis.call('HSET', KEYS[4], ARGV[n], ARGV[n + 1]) end
end
return seq
`;

/** KEYS epoch seq state…: all at one moment. */
export const LOAD = `
local states = {}
for n = 3, #KEYS do states[#states + 1] = redis.call('HGETALL', KEYS[n]) end
return { redis.call('GET', KEYS[1]), tonumber(redis.call('GET', KEYS[2])), states }
`;

-- Permits of requests in progress: who holds one, and when it expires.
--
-- KEYS:    one sorted set for each subject: the name of a permit, with the time of its end as score.
-- ARGV[1]: "acquire", "renew", "release" or "probe".
-- ARGV[2]: after how many milliseconds the permit expires.
-- acquire: ARGV[3] is the name of the permit, then the limit of each subject. All are acquired, or none.
-- renew and release: one subject, and then the names of the permits.
-- probe: a key that no subject has. Runs every command that the others need, and leaves nothing.
-- Returns  1, or 0 if a limit is reached.

local mode, expiry = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
-- The longest expiry. A permit that ends later is from before the clock was set back.
local longest = 600000

local function text(number)
  -- The plain form of a number loses digits from the fifteenth on.
  return string.format('%.0f', number)
end

local function remove_expired(key)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now))
  redis.call('ZREMRANGEBYSCORE', key, '(' .. text(now + longest), '+inf')
end

local function write(key, permit)
  redis.call('ZADD', key, text(now + expiry), permit)
  redis.call('EXPIRE', key, longest / 1000)
end

if mode == 'release' then
  for i = 3, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
  return 1
end

if mode == 'renew' then
  -- Also one that is not there: its request runs, and the server may have lost it.
  for i = 3, #ARGV do write(KEYS[1], ARGV[i]) end
  return 1
end

if mode == 'probe' then
  remove_expired(KEYS[1])
  write(KEYS[1], 'probe')
  redis.call('ZSCORE', KEYS[1], 'probe')
  redis.call('ZCARD', KEYS[1])
  redis.call('ZREM', KEYS[1], 'probe')
  return 1
end

local permit = ARGV[3]
for i, key in ipairs(KEYS) do
  remove_expired(key)
  -- A call that is sent again finds its own permit.
  local full = redis.call('ZCARD', key) >= tonumber(ARGV[3 + i])
  if full and not redis.call('ZSCORE', key, permit) then return 0 end
end
for _, key in ipairs(KEYS) do write(key, permit) end
return 1

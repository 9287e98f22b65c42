-- Sets or removes one override, and removes those that have ended.
--
-- KEYS[1]: the overrides as text, a line for each: its name, its amount, and the second at which it ends (-: never).
-- ARGV:    the name, amount and end (empty: it is removed), the most that there may be.
-- Returns  1, or 0 if there are too many.

local now = tonumber(redis.call('TIME')[1])
local lines = {}
for line in string.gmatch(redis.call('GET', KEYS[1]) or '', '[^\n]+') do
  local name, ends = string.match(line, '^(%S+) %d+ (%S+)$')
  if name and name ~= ARGV[1] and (ends == '-' or (tonumber(ends) or 0) > now) then
    lines[#lines + 1] = line
  end
end
if ARGV[2] ~= '' then
  if #lines >= tonumber(ARGV[3]) then return 0 end
  lines[#lines + 1] = ARGV[1] .. ' ' .. ARGV[2]
end
-- Also without a line: where there is no text, a node knows that the server has lost it.
redis.call('SET', KEYS[1], table.concat(lines, '\n'))
return 1

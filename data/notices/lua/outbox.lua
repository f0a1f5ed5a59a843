-- The outbox: notices on their way into channels. What each key holds is said in data/notices/__init__.py.
-- Whoever reads here passes over what is damaged: one entry does not stop the others.

-- A read of what anybody may have written; nothing where the key is of another type.
local function look(command, key, ...)
  local found = redis.pcall(command, P .. key, ...)
  if type(found) == 'table' and found.err then return nil end
  return found or nil
end

local function is_ours(text) return type(text) == 'string' and not text:find('[^ -~]') end

-- A delivery as it is kept, or nil for what is none. Ours are plain ASCII.
local function delivery_of(id)
  local text = look('HGET', 'deliveries', id)
  if not is_ours(text) then return nil end
  local ok, found = pcall(dec, text)
  local sound = ok and type(found) == 'table' and type(found.notice) == 'string' and type(found.line) == 'string'
  return sound and found or nil
end

local function line_key(channel, line) return 'notices_line:' .. channel .. '|' .. line end
local function told_key(channel, cause) return 'notices_told:' .. channel .. '|' .. cause end
local function put_delivery(id, delivery) write('hash', 'deliveries', 'HSET', id, enc(delivery)) end

-- Puts a delivery at the end of its line, due at `at`. In `notices_waiting` stands first what is dropped first: what is of no
-- weight, then what was due first. The entry of a channel that somebody holds is the end of their lease.
local function enqueue(channel, id, delivery, at)
  put_delivery(id, delivery)
  write('zset', 'notices_waiting', 'ZADD', at + (delivery.weight == 'info' and 0 or HEAVY), id)
  write('list', line_key(channel, delivery.line), 'RPUSH', id)
  write('zset', 'notices_of:' .. channel, 'ZADD', 'NX', at, delivery.line)
  write('zset', 'notices_due', 'ZADD', look('HGET', 'notices_held', channel) and 'NX' or 'LT', at, channel)
end

local function take_out(channel, id, delivery)
  write('hash', 'deliveries', 'HDEL', id)
  write('zset', 'notices_waiting', 'ZREM', id)
  write('list', line_key(channel, delivery.line), 'LREM', 1, id)
end

-- Once nobody holds a channel any more: it is due with the first of its lines, and not before `pause` ms.
local function set_channel_due(channel, pause)
  write('hash', 'notices_held', 'HDEL', channel)
  local first = look('ZRANGE', 'notices_of:' .. channel, 0, 0, 'WITHSCORES')
  if first and first[1] then
    write('zset', 'notices_due', 'ZADD', math.max(num(first[2]), now + pause), channel)
  else
    write('zset', 'notices_due', 'ZREM', channel)
  end
end

-- Whether something has waited for a deliverer a while: nobody seems to deliver. How long a notice has waited nobody can
-- say while the clock, which went back, is not there again: a stream's ids never go back.
local function notices_wait()
  local late = now - DELIVERERS_LATE_MS
  local first = look('XRANGE', 'notices', '-', '+', 'COUNT', 1)
  local at = first and first[1] and num(first[1][1]:match('^%d+'))
  if at and (at <= late or at > now + BACK_MS) then return true end
  return num(look('ZCOUNT', 'notices_due', '-inf', late)) > 0
end

-- A deliverer takes a lease of one channel that is due, with the first delivery of one of its lines. So one deliverer at
-- a time sends to a channel, and a later notice of a line does not pass an earlier one.

-- The first sound delivery of a line, and its id; what is damaged before it goes.
local function first_of(channel, line)
  local key, damaged_ones = line_key(channel, line), 0
  local id, delivery
  while true do
    id = look('LINDEX', key, damaged_ones)
    delivery = id and is_ours(id) and delivery_of(id)
    if not id or delivery then break end
    damaged_ones = damaged_ones + 1
    write('hash', 'deliveries', 'HDEL', id)
    write('zset', 'notices_waiting', 'ZREM', id)
  end
  if damaged_ones > 0 then
    write('list', key, 'LTRIM', damaged_ones, -1)
    note_lost(damaged_ones)
  end
  if not id then write('zset', 'notices_of:' .. channel, 'ZREM', line) end
  return id, delivery
end

local function take_from(channel)
  if not is_ours(channel) then
    write('zset', 'notices_due', 'ZREM', channel)
    return
  end
  for _, line in ipairs(look('ZRANGEBYSCORE', 'notices_of:' .. channel, '-inf', now, 'LIMIT', 0, 20) or {}) do
    local id, delivery = first_of(channel, line)
    if id then
      delivery.tries = num(delivery.tries) + 1
      put_delivery(id, delivery)
      -- Its hour is over: what comes from now on is counted in another.
      if delivery.cause then
        write('string', told_key(channel, delivery.cause), 'SET', '', 'PX', TELL_AGAIN_MS)
      end
      write('zset', 'notices_due', 'ZADD', now + CHANNEL_LEASE_MS, channel)
      write('hash', 'notices_held', 'HSET', channel, args.owner)
      return { channel = channel, id = id, delivery = delivery }
    end
  end
end

-- Whose deliveries share what can be sent at a time: a project's channels, its callbacks, the addresses its jobs name.
local function group_of(channel) return channel:match('^[^:]*:[^:]*:') or channel:match('^[^:]*:') or channel end

-- Groups of which something is being sent.
local function groups_held()
  local held = {}
  for _, channel in ipairs(look('HKEYS', 'notices_held') or {}) do held[group_of(channel)] = true end
  return held
end

local function take_first(channels, passed_over)
  for _, channel in ipairs(channels) do
    if not passed_over[group_of(channel)] then
      local ok, taken = pcall(function()
        local taken = take_from(channel)
        write_down()
        return taken
      end)
      if ok and taken then return taken end
      decide_anew()
      if ok then
        set_channel_due(channel, 0)
      else -- a key of it is of another type
        write('zset', 'notices_due', 'ZADD', now + ASIDE_MS, channel)
      end
      write_down()
    end
  end
end

local function operation()
  expect('zset', 'notices_due')
  local passed_over, most = args.new_group and groups_held() or {}, args.new_group and NOTICES_KEPT or 50
  for from = 0, most - 1, 50 do
    local channels = call('ZRANGEBYSCORE', P .. 'notices_due', '-inf', now, 'LIMIT', from, 50)
    local taken = take_first(channels, passed_over)
    if taken then return { taken = taken } end
    if #channels < 50 then break end
  end
  return { ok = true }
end

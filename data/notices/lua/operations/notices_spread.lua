-- Turns notices into deliveries, each a decision of its own, in their order: of those that no longer stand first another
-- deliverer was faster. Of one cause a channel hears once an hour; what comes meanwhile is counted in a delivery that
-- waits for the end of the hour.

local function make_room_for_deliveries()
  local ids = call('ZRANGE', P .. 'notices_waiting', 0, NOTICES_DROPPED - 1)
  for _, id in ipairs(ids) do
    local channel, delivery = id:match('^[^|]*|(.+)$'), delivery_of(id)
    if channel and delivery then
      take_out(channel, id, delivery)
    else
      write('hash', 'deliveries', 'HDEL', id)
      write('zset', 'notices_waiting', 'ZREM', id)
    end
  end
  note_lost(#ids)
end

-- Counts a notice in the delivery that waits for the end of the hour; its id. It tells the newest, and remembers a few
-- before that.
local function count_in(item, channel, waits)
  local key = told_key(channel, item.cause)
  local pending = waits ~= '' and delivery_of(waits)
  if not pending then
    local left = math.min(TELL_AGAIN_MS, math.max(0, call('PTTL', P .. key))) -- longer where the clock went back
    local id = item.id .. '|' .. channel
    enqueue(channel, id, {
      notice = item.notice, line = '~' .. item.cause, weight = item.weight, since = now, cause = item.cause,
      subject = item.subject,
    }, now + left)
    write('string', key, 'SET', id, 'PX', left + CHANNEL_LEASE_MS) -- it is begun anew when that is taken
    return id
  end
  local others, known = {}, pending.others or {}
  for i = math.max(1, #known - OTHERS_KEPT + 2), #known do others[#others + 1] = known[i] end
  others[#others + 1] = { pending.subject, pending.notice }
  pending.others, pending.subject, pending.notice = others, item.subject, item.notice
  pending.more = num(pending.more) + 1
  put_delivery(waits, pending)
  return waits
end

-- What a delivery counts of a subject is over before it was told. `whole`: it counts nothing else.
local function uncount(channel, id, subject, whole)
  local pending = delivery_of(id)
  if not pending or not pending.cause or look('GET', told_key(channel, pending.cause)) ~= id then return end
  local others, counted, known = {}, 0, pending.others or {}
  for i = 1, #known do
    if known[i][1] ~= subject then others[#others + 1] = known[i] else counted = counted + 1 end
  end
  if pending.subject == subject then counted = counted + 1 end
  pending.more = num(pending.more) - math.max(1, counted)
  if whole or pending.more < 0 then
    take_out(channel, id, pending)
    write('string', told_key(channel, pending.cause), 'SET', '', 'KEEPTTL')
    return
  end
  if pending.subject == subject and #others > 0 then
    pending.subject, pending.notice = unpack(others[#others])
    others[#others] = nil
  end
  pending.others = #others > 0 and others or nil
  put_delivery(id, pending)
end

-- Notes that a channel heard of a fault: by name (`!`), counted in a delivery (its id), or both.
local function note_open(item, channel, counted)
  local key = 'notices_open:' .. item.subject
  local by_name, before = (look('HGET', key, channel) or ''):match('^(!?)(.*)$')
  write('hash', key, 'HSET', channel, counted and by_name .. counted or '!' .. before)
  write('hash', key, 'EXPIRE', OPEN_KEPT_S)
end

local function spread_to(item, channel, groups)
  local waits = groups and look('GET', told_key(channel, item.cause))
  local counted
  if waits then
    counted = count_in(item, channel, waits)
  else
    if groups then write('string', told_key(channel, item.cause), 'SET', '', 'PX', TELL_AGAIN_MS) end
    local delivery = { notice = item.notice, line = item.subject, weight = item.weight, since = now }
    enqueue(channel, item.id .. '|' .. channel, delivery, now)
  end
  if item.opens then note_open(item, channel, counted) end
end

-- Whoever was told of what this resolves hears of it; and what comes next is news to them.
local function resolve(item)
  local told, open = {}, look('HGETALL', 'notices_open:' .. item.subject) or {}
  for i = 1, #open, 2 do
    local channel, by_name, counted = open[i], open[i + 1]:match('^(!?)(.*)$')
    if by_name == '!' then
      told[channel] = true
      enqueue(channel, item.id .. '|' .. channel, {
        notice = item.notice, line = item.subject, weight = item.weight, since = now, resolves = true,
      }, now)
    end
    if counted ~= '' then uncount(channel, counted, item.subject, #item.clears > 0) end
    for _, cause in ipairs(item.clears) do write('string', told_key(channel, cause), 'DEL') end
  end
  write('hash', 'notices_open:' .. item.subject, 'DEL')
  return told
end

local function spread(item)
  if call('ZCARD', P .. 'notices_waiting') >= NOTICES_KEPT then
    make_room_for_deliveries()
    write_down()
  end
  if item.lost then return note_lost(1) end
  local told = item.resolves and resolve(item) or {}
  for _, channel in ipairs(item.channels) do
    if not told[channel.name] then spread_to(item, channel.name, channel.groups) end
  end
end

local function operation()
  for _, key in ipairs({ 'deliveries', 'notices_held' }) do expect('hash', key) end
  for _, key in ipairs({ 'notices_waiting', 'notices_due' }) do expect('zset', key) end
  local first = read('stream', 'XRANGE', 'notices', '-', '+', 'COUNT', #args.items)
  for i, item in ipairs(args.items) do
    if not first[i] or first[i][1] ~= item.entry then break end
    local ok, why = pcall(function()
      spread(item)
      write('stream', 'notices', 'XDEL', item.entry)
      write_down()
    end)
    if not ok then -- a key of its channel, or of its subject, is of another type
      decide_anew()
      critical('notice_lost', { id = item.id, error = tostring(type(why) == 'table' and why.damaged or why) })
      write('stream', 'notices', 'XDEL', item.entry)
      write_down()
    end
  end
  return { ok = true }
end

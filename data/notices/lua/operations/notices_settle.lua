-- What came of a try: `sent`, `failed` (again in `again_in_ms`), or `given_up`. Who holds the channel no more may say `sent`, for
-- it is: nobody has to send it again.

local function note_in_log(channel, id, delivery)
  local entry = {
    at = now, id = id, notice = delivery.notice, result = args.result, tries = num(delivery.tries),
    more = delivery.more, resolves = delivery.resolves, error = args.error, status = args.status, took_ms = args.took_ms,
  }
  local function note(name, kept_s)
    local key = 'notices_log:' .. name
    if type(redis.pcall('LLEN', P .. key)) ~= 'number' then return end
    write('list', key, 'LPUSH', enc(entry))
    write('list', key, 'LTRIM', 0, LOGGED - 1)
    write('list', key, 'EXPIRE', kept_s)
  end
  local of_jobs = channel:match('^[^:]+:[^:]+:') -- where a job itself said: its own log, and that of all such jobs
  note(channel, of_jobs and OWN_LOG_KEPT_S or LOG_KEPT_S)
  if of_jobs then note(of_jobs, OWN_LOG_KEPT_S) end
end

-- Whether the line goes on with another delivery.
local function goes_on(channel, line) return num(look('LLEN', line_key(channel, line))) > 0 end

local function settle_delivery(channel, id, delivery)
  if args.result == 'failed' then
    delivery.failures, delivery.error = num(delivery.failures) + 1, args.error
    put_delivery(id, delivery)
    write('zset', 'notices_of:' .. channel, 'ZADD', now + args.again_in_ms, delivery.line)
    write_down()
    return
  end
  take_out(channel, id, delivery)
  note_in_log(channel, id, delivery)
  -- The one of many that was told by name: its end is told, too.
  local open = delivery.cause and 'notices_open:' .. delivery.subject
  if open and look('HEXISTS', open, channel) == 1 then write('hash', open, 'HSET', channel, '!') end
  write_down()
  if goes_on(channel, delivery.line) then
    write('zset', 'notices_of:' .. channel, 'ZADD', now, delivery.line)
  else
    write('zset', 'notices_of:' .. channel, 'ZREM', delivery.line)
  end
  write_down()
end

-- A channel that fails again and again is left alone for longer and longer, up to a minute.
local function pause_of(channel)
  if args.result ~= 'failed' then
    write('hash', 'notices_failing', 'HDEL', channel)
    return 0
  end
  local failures = num(look('HGET', 'notices_failing', channel)) + 1
  write('hash', 'notices_failing', 'HSET', channel, failures)
  return math.min(60000, 500 * 2 ^ math.min(failures, 10))
end

-- Of the project that the channel is of, by the channel's own name: what is behind it is one job's.
local function count_try(channel)
  local project_of_it, name = channel:match('^([%l%d-]+):([^:]+)')
  if not name then return end
  of_project(project_of_it ~= 'default' and project_of_it or nil)
  local field = 'notice_deliveries:' .. name .. ':' .. args.result
  -- Names come and go, what was counted stays: of so many there is no end.
  if num(look('HLEN', scope .. 'metrics')) < MOST_METRICS or look('HEXISTS', scope .. 'metrics', field) == 1 then
    meter(field, 1)
  end
end

local function operation()
  local channel, id = args.channel, args.id
  local held = look('HGET', 'notices_held', channel) == args.owner
  if not held and args.result ~= 'sent' then return { no = 'stale' } end
  local delivery = delivery_of(id)
  if delivery then settle_delivery(channel, id, delivery) end
  if delivery then count_try(channel) end
  if held then
    set_channel_due(channel, pause_of(channel))
  end
  return { ok = true, gone = not delivery or nil }
end

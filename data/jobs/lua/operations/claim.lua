-- Gives up what has not begun. What runs goes on to the end of its stage: a running launch leads straight to the close.
local function strike_deadline(j)
  set(j, 'struck', now)
  call('DEL', P .. 'todo:' .. j.id)
  local flat = call('HGETALL', P .. 'units:' .. j.id)
  for i = 1, #flat, 2 do
    local u, t = flat[i], flat[i + 1]
    if (is_part(u) or u == 'launch') and t:find('"s":"[phw]"') then
      t = dec(t)
      if is_part(u) and t.s == 'p' then add(j, 'win', 1) end -- planned again by a resume: it held no place
      fail_by_deadline(j, u, t)
    end
  end
  hand_next(j)
end

-- A handed unit is lost when its queue holds nothing of its level, or when a later one has begun.
local function look_at_handed(j, u, t)
  local field = stages_of(j, u)[t.k + 1] .. ':' .. t.v
  local lost = not a.queued[field] or num(call('HGET', P .. 'mark', field)) > t.n
  t.x = num(t.x) + 1
  local promoted = 2 * num(j.prio) + 1 - t.v
  local aged = not lost and t.v > 2 and now - t.t >= AGING_MS * (1 + promoted)
  if lost or aged then
    if aged then t.v = t.v - 1 end
    number(j, u, t)
    message(j, u, t)
  end
  due(j.id, u, now + math.min(HANDOUT_MAX_MS, HANDOUT_MS * 2 ^ t.x))
  put_unit(j.id, u, t)
end

local function look_at(j, u, t)
  if t.s == 'h' then
    look_at_handed(j, u, t)
  elseif t.s == 'w' then
    hand(j, u, t, num(t.a) > 0)
  elseif t.s == 'r' then
    t.l = num(t.l) + 1
    event(j.id, 'unit', { unit = u, state = 'lapsed', lapses = t.l })
    if t.l >= MAX_LAPSES then
      fail_unit(j, u, t, 'poison', 'its workers vanished ' .. t.l .. ' times; set aside')
    else
      hand_again(j, u, t)
    end
  else
    undue(j.id, u)
  end
end

-- After an outage running leases have lapsed although their workers live: give them time to renew. Not those
-- that were not renewed any more while the claims (until `last`) still went on: nobody lives behind them.
local function spare_running(last)
  local all = call('ZRANGE', P .. 'due', 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    local id, u = all[i]:match('^([^|]+)|(.+)$')
    local lease_end = num(all[i + 1])
    local spare = u ~= '~' and lease_end - LEASE_MS >= last - SPARE_MS
    local ok, t = pcall(get_unit, id, spare and u or '')
    if ok and t and t.s == 'r' then due(id, u, math.max(lease_end, now + SPARE_MS)) end
  end
end

-- Those of a worker's runs ({job, unit, owner}) that it does not hold any more: {place in the list, ms since the
-- job ended}; -1: the job goes on, and the unit was taken over, handed over or ended without that run.
local function lost_runs(runs)
  local lost = {}
  for i, run in ipairs(runs) do
    local status, finished = unpack(redis.pcall('HMGET', job_key(run[1]), 'status', 'finished'))
    local ok, t = pcall(get_unit, run[1], run[2])
    if not ok or status == nil then -- damaged: its own renewal says so
    elseif not status or TERMINAL[status] then
      lost[#lost + 1] = { i - 1, status and math.max(0, now - num(finished)) or -1 }
    elseif not t or t.s ~= 'r' or t.o ~= run[3] then
      lost[#lost + 1] = { i - 1, -1 }
    end
  end
  return #lost > 0 and lost or nil
end

-- The clock went back since the last claim. What counts from an event (a hand-out, a lease, a pause before a retry) is
-- pulled in, or a dead worker's units would be looked at when the clock is there again. `run_at` and deadlines are wall
-- times and stay. A lease or hand-out given since the step is in its bounds already.
local function pull_in(last)
  local all = call('ZRANGE', P .. 'due', 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    local id, u = all[i]:match('^([^|]+)|(.+)$')
    local at, latest = num(all[i + 1]), nil
    local ok, t = pcall(get_unit, id, u)
    if not ok or not t then
      latest = nil
    elseif t.s == 'r' then
      latest = now + LEASE_MS
    elseif t.s == 'h' then
      latest = now + math.min(HANDOUT_MAX_MS, HANDOUT_MS * 2 ^ num(t.x))
      if num(t.t) > now then
        t.t = now
        put_unit(id, u, t)
      end
    elseif t.s == 'w' and num(t.a) > 0 then
      latest = math.max(now, at - (last - now))
    end
    if latest and at > latest then due(id, u, latest) end
  end
  for _, node in ipairs(call('ZRANGEBYSCORE', P .. 'workers', '(' .. now, '+inf')) do
    call('ZADD', P .. 'workers', now, node)
  end
  call('ZREMRANGEBYSCORE', P .. 'aside', '(' .. now, '+inf')
  critical('clock_went_back', { ms = last - now })
end

local function look_at_member(member)
  local id, u = member:match('^([^|]+)|(.+)$')
  local j = load(id)
  if not j or TERMINAL[j.status] then
    call('ZREM', P .. 'due', member)
    return
  end
  expect_all(id, j.kind)
  if u == '~' then
    call('ZREM', P .. 'due', member)
    if num(j.ci) == 0 then strike_deadline(j) end
  else
    local t = get_unit(id, u)
    if t then look_at(j, u, t) else call('ZREM', P .. 'due', member) end
  end
end

-- A job that cannot be looked at does not keep the others waiting: it is looked at again later, and told once an hour.
local function set_aside(member, why)
  local id = member:match('^[^|]+')
  call('ZADD', P .. 'due', now + ASIDE_MS, member)
  call('ZREMRANGEBYSCORE', P .. 'aside', '-inf', now - TELL_AGAIN_MS)
  if call('ZADD', P .. 'aside', 'NX', now, id) == 1 then
    local text = type(why) == 'table' and (why.damaged or why.err) or why
    critical('damaged_record', { job = id, key = why.damaged, error = tostring(text) })
  end
end

-- One tick of one worker's reconciler: says that the worker lives and takes what is due.
local function operation()
  expect_shared()
  expect('zset', 'workers')
  expect('zset', 'aside')
  expect('hash', 'worker')
  expect('string', 'claimed')
  expect('string', 'generation')
  if a.node then
    call('ZADD', P .. 'workers', now, a.node)
    if a.about then call('HSET', P .. 'worker', a.node, a.about) end
  end
  local last = num(call('GET', P .. 'claimed'))
  call('SET', P .. 'claimed', now)
  if last > 0 and now - last > OUTAGE_MS then spare_running(last) end
  if last - now > BACK_MS then pull_in(last) end
  for _, member in ipairs(call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, a.limit)) do
    local sent = #send
    local ok, why = pcall(look_at_member, member)
    if not ok then
      for i = #send, sent + 1, -1 do send[i] = nil end
      set_aside(member, why)
    end
  end
  return { ok = true, generation = call('GET', P .. 'generation'), lost = a.runs and lost_runs(a.runs) }
end

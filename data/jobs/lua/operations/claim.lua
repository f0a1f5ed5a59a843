-- A claim is many decisions, one for each due entry and those about all.

-- Gives up what has not begun. What runs goes on to the end of its stage: a running launch leads straight to the close.
local function strike_deadline(job)
  set(job, 'struck', now)
  drop('list', scope .. 'todo:' .. job.id)
  local unbegun = { [PLANNED] = true, [HANDED] = true, [WAITING] = true }
  for _, name in ipairs(open_units(true)) do
    local unit = get_unit(name)
    if unit and unbegun[unit[STATUS]] and (is_part(name) or name == 'launch') then
      -- Planned again by a resume: it held no place.
      if is_part(name) and unit[STATUS] == PLANNED then add(job, IN_WINDOW, 1) end
      if unit[DEFERRED] then add(job, DEFERRED_PARTITIONS, -1) end
      unit[DEFERRED] = nil
      fail_by_deadline(job, name, unit)
    end
  end
  hand_next(job)
end

-- The pause after which a handed unit is looked at (again).
local function pause_of(unit) return math.min(HANDOUT_MAX_MS, HANDOUT_MS * 2 ^ num(unit[LOOKS])) end

-- A handed unit is lost when its queue holds nothing of its level, or when a later one has begun.
local function look_at_handed(job, name, unit)
  local field = stage_of(job, name, unit) .. ':' .. unit[LEVEL]
  local lost = not args.queued[field] or num(call('HGET', P .. 'mark', field)) > unit[NUMBER]
  unit[LOOKS] = num(unit[LOOKS]) + 1
  local promoted = 2 * num(job[PRIORITY]) + 1 - unit[LEVEL]
  local aged = not lost and unit[LEVEL] > 2 and now - unit[HANDED_MS] >= AGING_MS * (1 + promoted)
  if lost then meter('messages_resent:' .. stage_of(job, name, unit), 1) end
  if lost or aged then
    if aged then unit[LEVEL] = unit[LEVEL] - 1 end
    number(job, name, unit)
    message(job, name, unit)
  end
  due(name, now + pause_of(unit))
  put_unit(name, unit)
end

local lapsed = {} -- leases that nobody renewed: {job, unit, stage, epoch, how often}

local function look_at_lapsed(job, name, unit)
  unit[LAPSES], unit[LOST_MS] = num(unit[LAPSES]) + 1, now
  lapsed[#lapsed + 1] = { job.id, name, stage_of(job, name, unit) or '?', unit[EPOCH], unit[LAPSES] }
  meter('lease_lapses:' .. stage_of(job, name, unit), 1)
  event('unit', { unit = name, state = 'lapsed', lapses = unit[LAPSES] })
  if unit[LAPSES] >= MAX_LAPSES then
    fail_unit(job, name, unit, 'poison', 'its workers vanished ' .. unit[LAPSES] .. ' times; set aside')
  else
    hand_again(job, name, unit)
  end
end

-- A unit's time has come: its next try, `run_at`, or the hosts of a partition of a wave may be asked. It is handed out, or
-- a partition for which there is no room is the first (of a wave: the last) that its job's turn hands out.
local function look_at_waiting(job, name, unit)
  local tried, deferred = num(unit[TRIES]) > 0, unit[DEFERRED]
  if deferred then add(job, DEFERRED_PARTITIONS, -1) end
  unit[DEFERRED] = nil
  if not is_part(name) then return hand(job, name, unit, tried) end
  if ring().has_room(queue_of(stage_of(job, name, unit))) then
    hand(job, name, unit, tried)
    settle_turn(job, 0)
  else
    add(job, IN_WINDOW, -1)
    move(job, name, unit, PLANNED)
    put_unit(name, unit)
    write('list', scope .. 'todo:' .. job.id, deferred and 'RPUSH' or 'LPUSH', name)
    if not ring().is_held_back(job) then ring().join(job) end
  end
end

-- A job that waits for its turn: whatever has become of the ring and its turn, it has them. One that waits long goes
-- before all others; of low priority, in the ring of the priority above, but never before high work.
local function look_at_line(job)
  local planned = read('list', 'LINDEX', scope .. 'todo:' .. job.id, 0)
  get_unit(planned or 'p' .. num(job[PARTITIONS_HANDED])) -- one that cannot be read is found now, and told
  if not launch_ended() then return ring().leave(job) end
  hand_next(job)
  if not job[RING] then return end
  local line, priority = ring(), num(job[RING])
  if num(job[SERVED]) > now then set(job, SERVED, now) end -- the clock went back
  if line.is_there(job) then -- and did not join just now
    if now - num(job[SERVED]) >= AGING_MS then
      line.stand(job, priority > 1 and priority - 1 or priority, true)
    else
      line.have_turns(job, priority)
    end
  end
  due(IN_LINE, now + AGING_MS)
end

local function look_at(job, name, unit)
  if unit[STATUS] == HANDED then
    look_at_handed(job, name, unit)
  elseif unit[STATUS] == WAITING then
    look_at_waiting(job, name, unit)
  elseif unit[STATUS] == RUNNING then
    look_at_lapsed(job, name, unit)
  else
    undue(name)
  end
end

-- All that a job has: what is damaged in it is found now, and not by the worker that takes the unit.
local function expect_own(job)
  expect('hash', scope .. 'doc:' .. job.id)
  expect('hash', scope .. 'units:' .. job.id)
  expect('hash', scope .. 'hist:' .. job.kind)
  expect('stream', scope .. 'ev:' .. job.id)
  expect('list', scope .. 'todo:' .. job.id)
end

local function look_at_member(member)
  local id, name = member:match('^([^|]+)|(.+)$')
  local job = find(id)
  local going_on = job and not TERMINAL[job.status]
  if going_on then expect_own(job) end
  local unit = going_on and name ~= '~' and name ~= IN_LINE and get_unit(name)
  if unit then
    look_at(job, name, unit)
  else
    write('zset', 'due', 'ZREM', member)
    if going_on and name == '~' and num(job[CLOSE_STEP]) == 0 then strike_deadline(job) end
    if going_on and name == IN_LINE then look_at_line(job) end
  end
  write_down()
end

-- Every entry of the due set whose unit can be read, with what is stored: `look(id, name, at, unit)`.
local function each_due(look)
  local all = call('ZRANGE', P .. 'due', 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    local id, name = all[i]:match('^([^|]+)|(.+)$')
    of_project(nil)
    local ok, unit = pcall(read_unit, id, name)
    if ok and not unit and elsewhere(id) then
      ok, unit = pcall(read_unit, id, name)
    end
    if name == IN_LINE then ok, unit = true, {} end
    if ok and unit then look(id, name, num(all[i + 1]), unit) end
  end
  of_project(nil)
end

local function put_off(id, name, at) call('ZADD', P .. 'due', at, id .. '|' .. name) end

-- After an outage running leases have lapsed although their workers live: give them time to renew. Not those
-- that were not renewed any more while the claims (until `last`) still went on: nobody lives behind them.
local function spare_running(last)
  each_due(function(id, name, lease_end, unit)
    if unit[STATUS] == RUNNING and lease_end - LEASE_MS >= last - SPARE_MS then
      put_off(id, name, math.max(lease_end, now + SPARE_MS))
    end
  end)
end

-- What is due in a sorted set was to be so long after the clock that went back: it is as long after the one there is.
local function pull_in_set(key, back)
  local found = look('ZRANGE', key, 0, -1, 'WITHSCORES') or {}
  for i = 1, #found, 2 do
    local at = num(found[i + 1])
    if at > now then call('ZADD', P .. key, math.max(now, at - back), found[i]) end
  end
  return found
end

-- Deliveries of notices, and leases of their channels.
local function pull_in_notices(back)
  local channels = pull_in_set('notices_due', back)
  for i = 1, #channels, 2 do pull_in_set('notices_of:' .. channels[i], back) end
end

-- The clock went back since the last claim. What counts from an event (a hand-out, a lease, a pause before a retry) is
-- pulled in, or a dead worker's units would be looked at when the clock is there again. `run_at` and deadlines are wall
-- times and stay. A lease or hand-out given since the step is in its bounds already.
local function pull_in(last)
  each_due(function(id, name, at, unit)
    local latest
    if unit[STATUS] == RUNNING then
      latest = now + LEASE_MS
    elseif unit[STATUS] == HANDED then
      latest = now + pause_of(unit)
      if num(unit[HANDED_MS]) > now then
        unit[HANDED_MS] = now
        call('HSET', P .. scope .. 'units:' .. id, name, enc(unit))
      end
    elseif unit[STATUS] == WAITING and (num(unit[TRIES]) > 0 or unit[DEFERRED]) then
      latest = math.max(now, at - (last - now))
    end
    if name == IN_LINE then latest = now + AGING_MS end
    if latest and at > latest then put_off(id, name, latest) end
  end)
  for _, key in ipairs({ 'workers', 'api_processes', 'beats' }) do
    for _, node in ipairs(look('ZRANGEBYSCORE', key, '(' .. now, '+inf') or {}) do call('ZADD', P .. key, now, node) end
  end
  pull_in_notices(last - now)
  call('ZREMRANGEBYSCORE', P .. 'aside', '(' .. now, '+inf')
  critical('clock_went_back', { ms = last - now })
  notice('clock.went_back', { ms = last - now }, { 'clock.went_back' })
  write_down()
end

local function status_and_end(id)
  return unpack(redis.pcall('HMGET', P .. scope .. 'job:' .. id, 'status', 'finished'))
end

-- Those of a worker's runs ({job, unit, owner}) that it does not hold any more: {place in the list, ms since the
-- job ended}; -1: the job goes on, and the unit was taken over, handed over or ended without that run.
local function lost_runs(runs)
  local lost = {}
  for i, run in ipairs(runs) do
    of_project(nil)
    local status, finished = status_and_end(run[1])
    if status == false and elsewhere(run[1]) then
      status, finished = status_and_end(run[1])
    end
    local ok, unit = pcall(read_unit, run[1], run[2])
    if not ok or status == nil then -- damaged: its own renewal says so
    elseif not status or TERMINAL[status] then
      lost[#lost + 1] = { i - 1, status and math.max(0, now - num(finished)) or -1 }
    elseif not unit or unit[STATUS] ~= RUNNING or unit[OWNER] ~= run[3] then
      lost[#lost + 1] = { i - 1, -1 }
    end
  end
  return #lost > 0 and lost or nil
end

-- What all jobs share: damaged, it would have every job set aside.
local function expect_shared()
  for _, key in ipairs({ 'due', 'dead', 'workers', 'aside', 'projects' }) do expect('zset', key) end
  for _, status in ipairs({ JOB_STATUSES }) do expect('zset', 'idx:s:' .. status) end
  for _, queue in ipairs({ QUEUE_NAMES }) do
    expect('set', 'window:' .. queue)
    expect('zset', 'turns:' .. queue)
    expect('zset', 'turns:' .. queue .. ONLY_LANE)
  end
  for _, key in ipairs({ 'seq', 'mark', 'ended', 'worker', 'project_of', 'window' }) do expect('hash', key) end
  for _, key in ipairs({ 'claimed', 'generation' }) do expect('string', key) end
  expect('stream', 'critical')
end

-- ---- the windows, from truth ----

-- Each queue's window has two places for each process that lives and consumes it: what it works on, and the next.
local function count_places()
  local places = {}
  for _, node in ipairs(call('ZRANGEBYSCORE', P .. 'workers', now - GONE_MS, '+inf')) do
    local ok, about = pcall(dec, call('HGET', P .. 'worker', node) or '')
    local queues = ok and type(about) == 'table' and about.queues
    for _, queue in ipairs(type(queues) == 'table' and queues or {}) do
      if type(queue) == 'string' then places[queue] = num(places[queue]) + 2 * num(about.processes) end
    end
  end
  local counted = { 'at', now }
  for queue, number in pairs(places) do
    counted[#counted + 1] = queue
    counted[#counted + 1] = math.max(LEAST_WINDOW, number)
  end
  drop('hash', 'window')
  write('hash', 'window', 'HSET', unpack(counted))
  write_down()
end

-- The queue at which a partition is handed out or runs.
local function queue_held(member)
  local id, name = member:match('^([^|]+)|(.+)$')
  if not name or not is_part(name) then return nil end
  local ok, queue = pcall(function()
    local job = find(id)
    local unit = job and not TERMINAL[job.status] and get_unit(name)
    return unit and BUSY[unit[STATUS]] and queue_of(stage_of(job, name, unit))
  end)
  decide_anew()
  return ok and queue or nil
end

-- Takes out of the windows what is not there, and puts in what is: units that run, or were handed out a moment ago.
local function recount_windows()
  for _, queue in ipairs({ QUEUE_NAMES }) do
    for _, member in ipairs(call('SMEMBERS', P .. 'window:' .. queue)) do
      if queue_held(member) ~= queue then call('SREM', P .. 'window:' .. queue, member) end
    end
  end
  for _, member in ipairs(call('ZRANGEBYSCORE', P .. 'due', '-inf', now + LEASE_MS, 'LIMIT', 0, MOST_RECOUNTED)) do
    local queue = queue_held(member)
    if queue then call('SADD', P .. 'window:' .. queue, member) end
  end
end

-- One tick of one worker's reconciler: says that the worker lives and takes what is due. Each due entry is a decision
-- of its own.
local function operation()
  expect_shared()
  local counted_at, is_new = num(call('HGET', P .. 'window', 'at')), false
  if args.node then
    is_new = not call('ZSCORE', P .. 'workers', args.node)
    write('zset', 'workers', 'ZADD', now, args.node)
    if args.about then write('hash', 'worker', 'HSET', args.node, args.about) end
  end
  local last = num(call('GET', P .. 'claimed'))
  write('string', 'claimed', 'SET', now)
  write_down()
  if last > 0 and now - last > OUTAGE_MS then spare_running(last) end
  if last - now > BACK_MS then pull_in(last) end
  if is_new or not (math.abs(now - counted_at) < RECOUNT_MS) then -- or no number
    count_places()
    recount_windows()
  end
  for _, member in ipairs(call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, args.limit)) do
    local sent, failed, gone = #send, #dead, #lapsed
    local ok, why = pcall(look_at_member, member)
    if not ok then
      for i = #send, sent + 1, -1 do send[i] = nil end
      for i = #dead, failed + 1, -1 do dead[i] = nil end
      for i = #lapsed, gone + 1, -1 do lapsed[i] = nil end
      set_aside(member, why)
    end
  end
  turns().serve_all()
  return {
    ok = true, generation = call('GET', P .. 'generation'), lost = args.runs and lost_runs(args.runs),
    notices = notices_wait() or nil, lapsed = #lapsed > 0 and lapsed or nil,
  }
end

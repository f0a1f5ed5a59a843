-- A job that cannot be looked at does not keep the others waiting: it is looked at again later, and told once an hour.
local function set_aside(member, why)
  decide_anew()
  local id = member:match('^[^|]+')
  call('ZADD', P .. 'due', now + ASIDE_MS, member)
  call('ZREMRANGEBYSCORE', P .. 'aside', '-inf', now - TELL_AGAIN_MS)
  if call('ZADD', P .. 'aside', 'NX', now, id) == 1 then
    local about = type(why) == 'table' and why or {}
    local text = about.damaged or about.illegal or about.err or why
    critical('damaged_record', { job = id, key = about.damaged, error = tostring(text) })
    notice('record.damaged', { job = id, key = about.damaged, error = tostring(text) }, { 'record.damaged' })
    write_down()
  end
end

-- Turns: room that a move has left goes to whoever is next, by decisions of their own. The move itself is written down.
local function turns()
  local this, line = {}, ring()
  local asked -- {ring, job} whose turn it is

  -- The next job in a lane of a queue where there is room, the ring in which it stands, and where; it turns to the keys
  -- of the job's project.
  local function whose_turn(queue, lane)
    while true do
      local turn, had = unpack(read('zset', 'ZRANGE', 'turns:' .. lane, 0, 0, 'WITHSCORES'))
      if not turn or not line.has_room(queue) then return nil end
      local priority, owner = turn:match('^(%d):(.+)$')
      priority = num(priority)
      of_project(owner ~= 'default' and owner or nil)
      local key, id, place = line.key(lane, priority), nil, nil
      if owner and type(redis.pcall('ZCARD', P .. key)) == 'number' then
        id, place = line.next_in(key, num(had) % TURNS_APART)
      end
      if not id then -- its ring is gone, or something else stands there
        call('ZREM', P .. 'turns:' .. lane, turn)
      elseif not line.is_turn(had, priority) then
        call('ZADD', P .. 'turns:' .. lane, line.least_turn(lane, priority), turn)
      elseif not line.is_place(place) then
        call('ZADD', P .. key, 0, id)
      else
        return id, key, priority, place
      end
    end
  end

  local function waits_in(lane, job)
    for _, one in ipairs(line.lanes_of(job)) do
      if one == lane then return launch_ended() end
    end
  end

  -- Hands out the next unit of the job whose turn it is; whether there may be room for another.
  local function take_turn(queue, lane)
    asked = nil
    local id, key, priority, place = whose_turn(queue, lane)
    if not id then return false end
    asked = { key, id }
    local job = load(id)
    local is_going_on = job and not TERMINAL[job.status]
    if not is_going_on or not waits_in(lane, job) then
      call('ZREM', P .. key, id)
      if is_going_on then call('ZADD', P .. 'due', now, id .. '|' .. IN_LINE) end
      return true
    end
    if not line.has_room_for(job) then
      decide_anew()
      return lane == queue and take_turn(queue, queue .. ONLY_LANE)
    end
    if not job[RING] or num(job[RING]) ~= priority then set(job, RING, priority) end -- whatever the record says
    local taken, sent = 0, #send
    if line.is_planned(job, taken) and not line.is_held_back(job) then taken = hand_one(job, taken) end
    local is_served = #send > sent
    if is_served then write('zset', 'turns:' .. lane, 'ZINCRBY', 1, line.turn_of(priority)) end
    settle_turn(job, taken)
    if is_served and job[RING] then line.stand_behind(job, lane, place) end
    write_down()
    return true
  end

  -- A job that cannot be served keeps nobody waiting: it leaves the ring, is told, and a claim looks at it later.
  local function pass_over(why)
    redis.pcall('ZREM', P .. asked[1], asked[2])
    pcall(set_aside, asked[2] .. '|' .. IN_LINE, why)
    decide_anew()
  end

  -- Gives away the room that there is at a queue. No fault of another job fails the move that was made.
  local function serve(queue)
    for _ = 1, MOST_TURNS do
      local sent, failed = #send, #dead
      local ok, is_more = pcall(take_turn, queue, queue) -- or why not
      decide_anew()
      if not ok then
        for i = #send, sent + 1, -1 do send[i] = nil end
        for i = #dead, failed + 1, -1 do dead[i] = nil end
        if not asked then return end
        pass_over(is_more)
      elseif not is_more then
        return
      end
    end
  end

  -- All queues up to the last `at` which there is room: who waits at one before it may have waited for that.
  function this.serve_all(at)
    local queues = { QUEUE_NAMES }
    local last = #queues
    while last > 0 and at and not at[queues[last]] do last = last - 1 end
    for i = 1, last do serve(queues[i]) end
  end

  local function message_again(job, name)
    local unit = get_unit(name)
    if unit and unit[STATUS] == HANDED and not unit[LOOKS] then message(job, name, unit) end
  end

  -- Sends what a unit's end handed out, and nobody has begun or looked at: of its own job, then of others.
  function this.send_again(job, unit)
    local others = {}
    for _, sent in ipairs(unit[SENT] or {}) do
      local id, name = sent:match('^([^|]+)|(.+)$')
      if id then others[#others + 1] = { id, name } else message_again(job, sent) end
    end
    if #others > 0 then write_down() end
    for _, other in ipairs(others) do
      of_project(nil)
      pcall(function()
        local found = load(other[1])
        if not found and elsewhere(other[1]) then found = load(other[1]) end
        if found then message_again(found, other[2]) end
      end)
      decide_anew()
    end
  end

  return this
end

-- Ends the decision about a unit, and gives away the room that it has left. `unit`: keeps what was handed out of other
-- jobs, too, for whoever has to send it once more.
local function write_down_and_serve(name, unit)
  if not freed then return end
  local key, sent = scope .. 'units:' .. subject, #send
  write_down()
  turns().serve_all(freed)
  if not unit or #send == sent then return end
  unit[SENT] = unit[SENT] or {}
  for i = sent + 1, #send do unit[SENT][#unit[SENT] + 1] = send[i].job .. '|' .. send[i].unit end
  redis.pcall('HSET', P .. key, name, enc(unit))
end

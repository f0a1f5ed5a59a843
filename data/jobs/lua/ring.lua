-- Whose turn it is. Each queue has one window over all jobs: so many partitions may be handed out or run at a stage of
-- it (`window:<queue>` holds them). Jobs with planned partitions stand in the ring of their first stage's queue until
-- there is room: that of the least priority number first, of these the project that had least, of its jobs the one that
-- had least. A job that finds nobody else in line fills the window by itself.

local queues, stages_in -- of each stage; stages of a partition, by the text in which they stand: once asked

-- The queue of a stage; '?': there is no such stage.
local function queue_of(stage)
  queues = queues or QUEUES_OF_STAGES
  return queues[stage or '?'] or '?'
end

local function partition_stages(job)
  local text = job[PARTITION_STAGES] or ''
  stages_in = stages_in or {}
  stages_in[text] = stages_in[text] or split(text ~= '' and text or '?', ',') -- '?': refused, there is none
  return stages_in[text]
end

-- A partition takes a place at a queue (1), or leaves it (-1).
local function shift(job, name, queue, by)
  shifts = shifts or {}
  shifts[queue] = num(shifts[queue]) + by
  write('set', 'window:' .. queue, by > 0 and 'SADD' or 'SREM', job.id .. '|' .. name)
  if by < 0 then
    freed = freed or {}
    freed[queue] = true
  end
end

local made_ring

-- One function that makes the others: whoever needs none pays for one.
local function ring()
  if made_ring then return made_ring end
  local this = {}
  local widths -- places of each queue, once asked
  local there -- the id of a job that is known to stand in its ring

  function this.first_queue(job) return queue_of(partition_stages(job)[1]) end

  -- ---- the window of a queue ----

  function this.places(queue)
    if not widths then
      local counted = read('hash', 'HMGET', 'window', QUEUE_NAMES)
      widths = {}
      for i, name in ipairs({ QUEUE_NAMES }) do widths[name] = math.max(LEAST_WINDOW, num(counted[i])) end
    end
    return widths[queue]
  end

  function this.has_room(queue)
    taken_places = taken_places or {}
    taken_places[queue] = taken_places[queue] or read('set', 'SCARD', 'window:' .. queue)
    return taken_places[queue] + num(shifts and shifts[queue]) < this.places(queue)
  end

  -- Whether another partition may begin: at its first queue, and no further one has as much as it may. So what a slow
  -- stage has not done is never more than two windows, and nobody works ahead of it.
  function this.has_room_for(job)
    local last
    for _, stage in ipairs(partition_stages(job)) do
      local queue = queue_of(stage)
      if queue ~= last and not this.has_room(queue) then return false end
      last = queue
    end
    return true
  end

  -- ---- the ring ----

  -- Whether partitions are left that stand in no queue; `taken` of `todo` are not any more.
  function this.is_planned(job, taken)
    if job.struck then return false end
    return num(job[PARTITIONS_HANDED]) < num(job[PARTITIONS])
      or read('list', 'LLEN', scope .. 'todo:' .. job.id) > taken
  end

  -- Whether as many of its partitions wait for their next try as the window has places: what fails them may fail the
  -- others.
  function this.is_held_back(job)
    local waits = num(job.waits) - num(job[DEFERRED_PARTITIONS])
    return waits > 0 and waits >= this.places(this.first_queue(job))
  end

  -- In which lanes a job waits: in that of all at its first queue; and in a second one who needs no further queue. That
  -- one is asked when a further queue of the first one's next is full. What is given there is no turn of the first.
  function this.lanes_of(job)
    local queue = this.first_queue(job)
    for _, stage in ipairs(partition_stages(job)) do
      if queue_of(stage) ~= queue then return { queue } end
    end
    return { queue, queue .. ONLY_LANE }
  end

  function this.key(lane, priority) return scope .. 'ring:' .. lane .. ':' .. priority end
  function this.turn_of(priority) return priority .. ':' .. (project or 'default') end

  -- Whether nobody else waits, at any queue: all room is its own.
  function this.stands_alone(job)
    local queue, own = this.first_queue(job), job[RING] and num(job[RING])
    local first, second = unpack(read('zset', 'ZRANGE', 'turns:' .. queue, 0, 1))
    if second or (first and first ~= (own and this.turn_of(own))) then return false end
    for _, other in ipairs({ QUEUE_NAMES }) do
      if other ~= queue and read('zset', 'ZCARD', 'turns:' .. other) > 0 then return false end
    end
    if not first then return true end
    local id, another = unpack(read('zset', 'ZRANGE', this.key(queue, own), 0, 1))
    there = id == job.id and id
    return there and not another
  end

  -- A place in a ring is what a job has had. Below 0 stand new jobs until they had their first partitions, which is the
  -- whole of a small job: small ones first, then who had least, then the newest. Before them stands who waited long.
  local AHEAD, NEW, APART = -2 * TURNS_APART, -TURNS_APART, TURNS_APART / 10

  -- The first that is not new, and its place.
  local function first_old(key)
    return unpack(read('zset', 'ZRANGEBYSCORE', key, 0, '(' .. TURNS_APART, 'WITHSCORES', 'LIMIT', 0, 1))
  end

  -- A small job is new to its end, and before larger ones. Who is not new any more comes in before whoever had most by a
  -- window: he may have had one alone, when he was the first. Whoever comes back stands behind whoever had least: so many
  -- may come, all that stand there have their turn before.
  local function place_of(key, job)
    local had, is_small = num(job[PARTITIONS_HANDED]), num(job[PARTITIONS]) <= FIRST_TURNS
    if is_small or had < FIRST_TURNS then
      return NEW + (math.min(had, FIRST_TURNS) + (is_small and 0 or FIRST_TURNS) + 1) * APART - num(job.created) / 100
    end
    local places, _, least = this.places(this.first_queue(job)), first_old(key)
    if not least then return math.max(FIRST_TURNS, places) end
    if had > FIRST_TURNS then return num(least) + 1 end
    local most = read('zset', 'ZREVRANGEBYSCORE', key, '(' .. TURNS_APART, 0, 'WITHSCORES', 'LIMIT', 0, 1)[2]
    return math.max(had, math.min(num(least) + 1, num(most) + 1 - places))
  end

  -- Who is next in a ring that has served so many, and its place. New ones are: who had least, so that a small job
  -- stands behind nobody, and at times who had most. But the others have as many turns as they are of all, up to every
  -- second one: however many new ones come, each is served once in a full turn.
  function this.next_in(key, served)
    local id, place = unpack(read('zset', 'ZRANGE', key, 0, 0, 'WITHSCORES'))
    local all, new = read('zset', 'ZCARD', key), read('zset', 'ZCOUNT', key, NEW, '(0')
    if new == 0 or num(place) < AHEAD then return id, num(place) end
    local found
    if all > new and served % math.max(2, math.floor(all / (all - new))) == 1 then
      found = num(place) == AHEAD and { id, place } or { first_old(key) }
    elseif served % 8 == 6 then
      found = read('zset', 'ZREVRANGEBYSCORE', key, '(0', NEW, 'WITHSCORES', 'LIMIT', 0, 1)
    else
      found = read('zset', 'ZRANGEBYSCORE', key, NEW, '(0', 'WITHSCORES', 'LIMIT', 0, 1)
    end
    return found[1] or id, num(found[2] or place)
  end

  -- Whether it is a place, and none that something else has written: of a huge one a turn more is the same.
  function this.is_place(place) return place == AHEAD or (place >= NEW and place < TURNS_APART) end

  function this.is_turn(had, priority)
    return num(had) >= priority * TURNS_APART and num(had) < (priority + 1) * TURNS_APART
  end

  -- What a project that comes into the turns has had: as much as whoever had least.
  function this.least_turn(lane, priority)
    local band = priority * TURNS_APART
    local turns = read(
      'zset', 'ZRANGEBYSCORE', 'turns:' .. lane, band, '(' .. band + TURNS_APART, 'WITHSCORES', 'LIMIT', 0, 1
    )
    return turns[2] or band
  end

  -- The turn of a ring goes with whoever was the last there: somebody else may stand in one that has lost this job.
  function this.step_out(job)
    local priority = num(job[RING])
    for _, lane in ipairs(this.lanes_of(job)) do
      local key = this.key(lane, priority)
      local id, other = unpack(read('zset', 'ZRANGE', key, 0, 1))
      write('zset', key, 'ZREM', job.id)
      if not other and (not id or id == job.id) then write('zset', 'turns:' .. lane, 'ZREM', this.turn_of(priority)) end
    end
  end

  -- Lets the rings in which a job stands have their turns.
  function this.have_turns(job, priority)
    local turn = this.turn_of(priority)
    for _, lane in ipairs(this.lanes_of(job)) do
      if not this.is_turn(read('zset', 'ZSCORE', 'turns:' .. lane, turn) or -1, priority) then
        write('zset', 'turns:' .. lane, 'ZADD', this.least_turn(lane, priority), turn)
      end
    end
  end

  -- Stands a job in its rings, wherever it stood; `ahead`: before all that stand there.
  function this.stand(job, priority, ahead)
    if job[RING] and num(job[RING]) ~= priority then this.step_out(job) end
    for _, lane in ipairs(this.lanes_of(job)) do
      local key = this.key(lane, priority)
      write('zset', key, 'ZADD', ahead and AHEAD or place_of(key, job), job.id)
    end
    this.have_turns(job, priority)
    set(job, RING, priority)
    set(job, SERVED, now)
  end

  function this.is_there(job)
    if not job[RING] then return false end
    for i, lane in ipairs(this.lanes_of(job)) do
      local is_known = i == 1 and there == job.id
      if not is_known and not read('zset', 'ZSCORE', this.key(lane, num(job[RING])), job.id) then return false end
    end
    return true
  end

  function this.join(job)
    if this.is_there(job) then return end
    this.stand(job, num(job[PRIORITY]))
    due(IN_LINE, now + AGING_MS)
    freed = freed or {}
    freed[this.first_queue(job)] = true
  end

  function this.leave(job)
    if not job[RING] then return end
    this.step_out(job)
    unset(job, RING, SERVED)
    undue(IN_LINE)
  end

  -- Lets a job that had its turn in a lane, at `place`, stand behind those that had less. One that was let go ahead or
  -- into another ring goes back to its own.
  function this.stand_behind(job, lane, place)
    if place >= 0 and num(job[RING]) == num(job[PRIORITY]) then
      write('zset', this.key(lane, num(job[RING])), 'ZINCRBY', 1, job.id)
      set(job, SERVED, now)
    else
      this.stand(job, num(job[PRIORITY]))
    end
    due(IN_LINE, now + AGING_MS)
  end

  made_ring = this
  return this
end

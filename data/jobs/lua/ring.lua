-- Whose turn it is. Each queue has one window over all jobs: so many partitions may be handed out or run at a stage of
-- it (`window:<queue>` holds them). Jobs with planned partitions stand in the ring of their first stage's queue until
-- there is room: that of the least priority number first, of these the project that had least, of its jobs the one that
-- had least. A job that finds nobody else in line fills the window by itself.

-- The queue of a stage; '?': there is no such stage.
local function queue_of(stage) return (QUEUES_OF_STAGES)[stage or '?'] or '?' end

local function partition_stages(job)
  return split((job[PARTITION_STAGES] or '') ~= '' and job[PARTITION_STAGES] or '?', ',') -- '?': refused, there is none
end

-- A partition takes a place at a queue (1), or leaves it (-1).
local function shift(job, name, queue, by)
  shifts = shifts or {}
  shifts[queue] = num(shifts[queue]) + by
  write('set', 'window:' .. queue, by > 0 and 'SADD' or 'SREM', job.id .. '|' .. name)
  freed = freed or by < 0
end

local made_ring

-- One function that makes the others: whoever needs none pays for one.
local function ring()
  if made_ring then return made_ring end
  local this = {}
  local widths = {} -- queue → places, once asked

  function this.first_queue(job) return queue_of(partition_stages(job)[1]) end

  -- ---- the window of a queue ----

  function this.places(queue)
    widths[queue] = widths[queue] or math.max(LEAST_WINDOW, num(read('hash', 'HGET', 'window', queue)))
    return widths[queue]
  end

  function this.has_room(queue)
    return read('set', 'SCARD', 'window:' .. queue) + num(shifts and shifts[queue]) < this.places(queue)
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

  function this.key(queue, priority) return scope .. 'ring:' .. queue .. ':' .. priority end
  function this.turn_of(priority) return priority .. ':' .. (project or 'default') end

  -- Whether nobody else waits for the queue of this job.
  function this.stands_alone(job)
    local queue = this.first_queue(job)
    local first, second = unpack(read('zset', 'ZRANGE', 'turns:' .. queue, 0, 1))
    if not first then return true end
    local own = job[RING] and num(job[RING])
    return not second and own and first == this.turn_of(own) and read('zset', 'ZCARD', this.key(queue, own)) == 1
  end

  -- Where a job comes into a ring: with whoever had least, so nobody catches up on what he missed. A new one has its
  -- first partitions before those that had theirs, which is the whole of a small job.
  local function place_in(key, job)
    local least, most = read('zset', 'ZRANGE', key, 0, 0, 'WITHSCORES'), read('zset', 'ZRANGE', key, -1, -1, 'WITHSCORES')
    local credit = math.max(0, FIRST_TURNS + 1 - num(job[PARTITIONS_HANDED]))
    return credit > 0 and math.min(num(least[2]), num(most[2]) - credit) or num(least[2])
  end

  -- Stands a job in a ring; `ahead`: before all that stand there.
  function this.stand(job, priority, ahead)
    local queue, band = this.first_queue(job), priority * TURNS_APART
    local key = this.key(queue, priority)
    write('zset', key, 'ZADD', place_in(key, job) - (ahead and 1 or 0), job.id)
    local turns = read(
      'zset', 'ZRANGEBYSCORE', 'turns:' .. queue, band, '(' .. band + TURNS_APART, 'WITHSCORES', 'LIMIT', 0, 1
    )
    write('zset', 'turns:' .. queue, 'ZADD', 'NX', turns[2] or band, this.turn_of(priority))
    set(job, RING, priority)
    set(job, SERVED, now)
  end

  function this.step_out(job)
    local queue, priority = this.first_queue(job), num(job[RING])
    local key = this.key(queue, priority)
    write('zset', key, 'ZREM', job.id)
    if read('zset', 'ZCARD', key) <= 1 then write('zset', 'turns:' .. queue, 'ZREM', this.turn_of(priority)) end
  end

  function this.join(job)
    if job[RING] then return end
    this.stand(job, num(job[PRIORITY]))
    due(IN_LINE, now + AGING_MS)
    freed = true
  end

  function this.leave(job)
    if not job[RING] then return end
    this.step_out(job)
    unset(job, RING, SERVED)
    undue(IN_LINE)
  end

  -- Lets a job that had its turn stand behind those that had less. One that was let into another ring goes back to its
  -- own.
  function this.stand_behind(job)
    if num(job[RING]) == num(job[PRIORITY]) then
      write('zset', this.key(this.first_queue(job), num(job[RING])), 'ZINCRBY', 1, job.id)
      set(job, SERVED, now)
    else
      this.step_out(job)
      this.stand(job, num(job[PRIORITY]))
    end
  end

  made_ring = this
  return this
end

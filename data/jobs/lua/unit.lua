-- Units: how each is handed out, ends and leads to the next.

local LIVE = { [HANDED] = true, [RUNNING] = true, [WAITING] = true }
local BUSY = { [HANDED] = true, [RUNNING] = true }

local function stages_of(job, name)
  if is_part(name) then return partition_stages(job) end
  return { name:match('^[^:]+') or '?' }
end

local function stage_of(job, name, unit) return stages_of(job, name)[unit[STAGE_INDEX] + 1] end

-- Moves a partition on to another stage, and so maybe to another queue.
local function go_to_stage(job, name, unit, index)
  local before = queue_of(stage_of(job, name, unit))
  unit[STAGE_INDEX] = index
  local after = queue_of(stage_of(job, name, unit))
  if after == before then return end
  shift(job, name, before, -1)
  shift(job, name, after, 1)
end

-- Changes a unit's status and keeps the job's count of busy and waiting units, and so its status, true; and its queue's.
local function move(job, name, unit, to)
  local from = unit[STATUS]
  must_be_legal(UNIT_MOVES, from, to)
  unit[STATUS] = to
  local busier = (BUSY[to] and 1 or 0) - (BUSY[from] and 1 or 0)
  add(job, 'busy', busier)
  if busier ~= 0 and is_part(name) then shift(job, name, queue_of(stage_of(job, name, unit)), busier) end
  add(job, 'waits', (to == WAITING and 1 or 0) - (from == WAITING and 1 or 0))
  if not LIVE[to] then undue(name) end
  if job.status == 'running' or job.status == 'retry' then
    set_status(job, (num(job.busy) == 0 and num(job.waits) > 0) and 'retry' or 'running')
  end
end

local function message(job, name, unit)
  send[#send + 1] = {
    job = job.id, unit = name, epoch = unit[EPOCH], index = unit[STAGE_INDEX], level = unit[LEVEL],
    stage = stage_of(job, name, unit), stages = is_part(name) and job[PARTITION_STAGES] or nil,
    close = (not is_part(name) and name ~= 'launch') and job.close or nil,
  }
end

local function number(job, name, unit)
  local field = stage_of(job, name, unit) .. ':' .. unit[LEVEL]
  numbers = numbers or {}
  numbers[field] = (numbers[field] or num(read('hash', 'HGET', 'seq', field))) + 1
  unit[NUMBER] = numbers[field]
end

-- Hands a unit out at its present stage. `front`: before everything else of its priority. `base`: under what another line
-- of writes may have given epochs (data/jobs/timeline.py).
local function hand(job, name, unit, front)
  unit[EPOCH] = math.max(unit[EPOCH], num(args.base) + 1)
  unit[LEVEL] = 2 * num(job[PRIORITY]) + (front and 0 or 1)
  unit[OWNER], unit[LOOKS], unit[HANDED_MS] = nil, nil, now
  number(job, name, unit)
  move(job, name, unit, HANDED)
  due(name, now + HANDOUT_MS)
  put_unit(name, unit)
  message(job, name, unit)
end

local function fail_wrong_close(job, name)
  set(job, 'category', 'data')
  job.why = "the job's record is wrong: close: " .. name
  write('hash', scope .. 'doc:' .. job.id, 'HSET', 'error', job.why)
  end_job(job, 'failed')
end

local function start_step(job, step)
  local names = split(split(job.close, ';')[step] or 'publish', ',') -- whatever the record says, a job ends with it
  for _, name in ipairs(names) do
    if is_part(name) or name == 'launch' then return fail_wrong_close(job, name) end -- the job would never end
    local unit = get_unit(name)
    if unit and unit[STATUS] ~= PLANNED then return fail_wrong_close(job, name) end
  end
  set(job, CLOSE_STEP, step)
  set(job, CLOSE_LEFT, #names)
  for _, name in ipairs(names) do
    local unit = get_unit(name) or { [STATUS] = PLANNED, [EPOCH] = 0 }
    unit[EPOCH], unit[STAGE_INDEX], unit[FAILURE] = unit[EPOCH] + 1, 0, nil
    hand(job, name, unit, true)
  end
end

local function start_close(job) start_step(job, 1) end
local function start_publish(job) start_step(job, #split(job.close, ';')) end

-- Partitions that the deadline struck before they were handed out. A resume takes them up again.
local function give_up_unhanded(job)
  local left = num(job[PARTITIONS]) - num(job[PARTITIONS_HANDED])
  if left <= 0 then return end
  if not job[HANDED_AT_DEADLINE] then set(job, HANDED_AT_DEADLINE, job[PARTITIONS_HANDED]) end
  add(job, PARTITIONS_FAILED, left)
  set(job, PARTITIONS_HANDED, job[PARTITIONS])
end

local function launch_ended()
  local launch = get_unit('launch')
  return not launch or not LIVE[launch[STATUS]]
end

-- The next partition to hand out: one that a resume planned again, else one that never was; with its state, and how many
-- of `todo` are taken. Whatever the record counts, one that stands in another status is passed over.
local function next_partition(job, taken)
  while true do
    local name = read('list', 'LINDEX', scope .. 'todo:' .. job.id, taken)
    if name then
      taken = taken + 1
    elseif num(job[PARTITIONS_HANDED]) < num(job[PARTITIONS]) then
      name = 'p' .. num(job[PARTITIONS_HANDED])
      add(job, PARTITIONS_HANDED, 1)
    else
      return nil, nil, taken
    end
    local unit = get_unit(name) or { [STATUS] = PLANNED, [EPOCH] = 1, [STAGE_INDEX] = 0 }
    if unit[STATUS] == PLANNED then return name, unit, taken end
  end
end

-- Hosts said "later" to companies: launch plans these again. What it plans waits, and so does the close.
local function start_wave(job)
  add(job, WAVE, 1)
  unset(job, JOB_DEFERRED)
  local launch = get_unit('launch')
  if launch then must_be_legal(UNIT_MOVES, launch[STATUS], PLANNED) end
  hand(job, 'launch', { [STATUS] = PLANNED, [EPOCH] = (launch and launch[EPOCH] or 0) + 1, [STAGE_INDEX] = 0 }, true)
end

local function end_partitions(job)
  if num(job[JOB_DEFERRED]) > 0 and num(job[WAVE]) < MOST_WAVES and not job.struck then
    start_wave(job)
  else
    start_close(job)
  end
end

-- Hands out the next partition of a job, if it has any; how many of `todo` are taken.
local function hand_one(job, taken)
  local name, unit
  name, unit, taken = next_partition(job, taken)
  if name then
    add(job, IN_WINDOW, 1)
    hand(job, name, unit, false)
  end
  return taken
end

-- Stands a job with planned partitions in line, takes out one without, and hands out the close after the last partition.
local function settle_turn(job, taken)
  if taken > 0 then write('list', scope .. 'todo:' .. job.id, 'LTRIM', taken, -1) end
  local line = ring()
  local planned = line.is_planned(job, taken)
  if planned and not line.is_held_back(job) then line.join(job) else line.leave(job) end
  local over = not planned and num(job[IN_WINDOW]) == 0
  if over and num(job[CLOSE_STEP]) == 0 and launch_ended() then end_partitions(job) end
end

-- What follows when a partition has ended or waits, or when partitions were planned. A job that stands alone takes all
-- the room that there is: no further decision has any to give away.
local function hand_next(job)
  if job.struck then give_up_unhanded(job) end
  local line, taken = ring(), 0 -- from the front of `todo`
  local function is_next() return line.is_planned(job, taken) and not line.is_held_back(job) and line.has_room_for(job) end
  local is_alone = is_next() and line.stands_alone(job)
  while is_alone and is_next() do taken = hand_one(job, taken) end
  settle_turn(job, taken)
  if is_alone then freed = nil end
end

-- What follows the end of a unit, whichever way it ended.
local function ended(job, name, failed)
  if is_part(name) then
    add(job, IN_WINDOW, -1)
    add(job, failed and PARTITIONS_FAILED or PARTITIONS_DONE, 1)
    hand_next(job)
  elseif name == 'launch' then
    if failed and not job[WAVE] then start_publish(job) else hand_next(job) end
  elseif name == 'publish' then
    end_job(job, (failed or (job.category or '') ~= '') and 'failed' or args.status)
  else
    add(job, CLOSE_LEFT, -1)
    if failed and not name:find('^render:') then
      if num(job[CLOSE_STEP]) < #split(job.close, ';') then start_publish(job) else end_job(job, 'failed') end
    elseif num(job[CLOSE_LEFT]) == 0 then
      start_step(job, num(job[CLOSE_STEP]) + 1)
    end
  end
end

local function fail_unit(job, name, unit, category, text)
  local stage = stage_of(job, name, unit)
  unit[FAILURE] = { category, text }
  unit[OWNER], unit[LOST_MS] = nil, nil
  move(job, name, unit, FAILED)
  put_unit(name, unit)
  add(job, stage .. STAGE_FAILED, 1)
  meter('units_ended:' .. stage .. ':failed:' .. category, 1)
  set(job, stage .. STAGE_FINISHED, now)
  event('unit', { unit = name, stage = stage, state = 'failed', category = category, error = text })
  write('zset', scope .. 'dead', 'ZADD', now, job.id .. '|' .. name)
  if #dead < DEAD_TOLD then dead[#dead + 1] = { job.id, name, stage, category, text } end
  if category == 'poison' then critical('poison', { job = job.id, unit = name, stage = stage, error = text }) end
  local is_spared = is_part(name) or name:find('^render:') or (name == 'launch' and job[WAVE])
  if is_spared then -- of others the job fails, which says so
    local about = { unit = name, stage = stage, category = category, error = text, units = 1 }
    notice('unit.dead', about, { 'unit.dead' }, job)
  end
  if not is_spared and (job.category or '') == '' then
    set(job, 'category', category)
    job.why = text
    write('hash', scope .. 'doc:' .. job.id, 'HSET', 'error', text)
  end
  ended(job, name, true)
end

-- After its deadline a job hands out its close and nothing else.
local function given_up(job, name) return job.struck and (is_part(name) or name == 'launch') end

local function fail_by_deadline(job, name, unit)
  local text = DEADLINE_STRUCK
  if unit[FAILURE] then text = text .. '; the last try failed: ' .. unit[FAILURE][2] end
  fail_unit(job, name, unit, 'deadline', text)
end

-- A fresh epoch for the unit: whoever held it before can neither commit nor publish any more. It goes to the front of
-- its queue, unless it has to stand at the `back`.
local function hand_again(job, name, unit, back)
  unit[EPOCH] = unit[EPOCH] + 1
  if given_up(job, name) then fail_by_deadline(job, name, unit) else hand(job, name, unit, not back) end
end

-- Adds what a crawl has sent and got since it last told; which hosts wait is as it is now.
local function add_traffic(job, told)
  if not told then return end
  local sums, words = split(job[TRAFFIC], ' '), ''
  for i, number in ipairs(told) do
    if i <= TRAFFIC_SUMS then number = num(sums[i]) + num(number) end
    words = words .. (i > 1 and ' ' or '') .. ('%.0f'):format(num(number))
  end
  set(job, TRAFFIC, words)
end

local function progress_to(job, unit, progress)
  if progress > num(unit[PROGRESS]) then
    add(job, PARTITION_PROGRESS, progress - num(unit[PROGRESS]))
    unit[PROGRESS] = progress
  end
end

-- The unit if this run still holds it, else nil and what to answer.
local function held(job, name)
  if not job then return nil, 'gone' end
  if TERMINAL[job.status] then return nil, 'ended' end
  local unit = get_unit(name)
  local mine = unit and unit[STATUS] == RUNNING and unit[OWNER] == args.owner
  if not mine or (args.epoch and unit[EPOCH] ~= args.epoch) then return nil, 'stale', unit end
  return unit
end

-- What a run counted of itself, whichever way it ended (pipelines/execution/unit_run.py).
local function meter_run()
  for field, by in pairs(args.metrics or {}) do meter(field, num(by)) end
end

-- Keeps in an ended unit what its end handed out, for whoever has to send it once more.
local function remember_sent(name, unit)
  if #send == 0 then return end
  unit[SENT] = {}
  for i, out in ipairs(send) do unit[SENT][i] = out.unit end
  put_unit(name, unit)
end

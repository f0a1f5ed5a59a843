-- A run that holds its unit no more: nothing, unless it asks again what it was answered once.
local function repeated(job, no, unit, mark)
  if unit and unit[EPOCH] == args.epoch and unit[LAST_COMMIT] == mark then -- the first answer was lost: give it again
    if not args.chained then turns().send_again(job, unit) end
    return { ok = true, again = true }
  end
  if job and TERMINAL[job.status] and args.unit == 'publish' then
    local publish = get_unit(args.unit)
    if publish and publish[LAST_COMMIT] == mark then return { ok = true, again = true } end
  end
  return { no = no }
end

-- Keeps under which epoch the present stage was committed, and which files it wrote.
local function note_commit(unit, mark)
  local place = unit[STAGE_INDEX] + 1
  unit[COMMITTED_EPOCHS] = unit[COMMITTED_EPOCHS] or {}
  for i = #unit[COMMITTED_EPOCHS] + 1, place - 1 do unit[COMMITTED_EPOCHS][i] = 0 end
  unit[COMMITTED_EPOCHS][place] = unit[EPOCH]
  if args.files or unit[FILES] then
    unit[FILES] = unit[FILES] or {}
    for i = #unit[FILES] + 1, place - 1 do unit[FILES][i] = '' end
    unit[FILES][place] = args.files or ''
  end
  unit[LAST_COMMIT], unit[SENT], unit[OWNER] = mark, nil, nil
  unit[TRIES], unit[DEATHS], unit[LAPSES], unit[FAILURE] = nil, nil, nil, nil
end

local function count_commit(job, stage)
  add(job, stage .. STAGE_DONE, 1)
  add(job, stage .. STAGE_ROWS_IN, num(args.rows_in))
  add(job, stage .. STAGE_ROWS_OUT, num(args.rows_out))
  add(job, stage .. STAGE_ERRORS, num(args.errors))
  set(job, stage .. STAGE_FINISHED, now)
  add(job, 'pages', num(args.pages))
  add_traffic(job, args.traffic)
  if job.quota then limits().add_pages(job, num(args.pages)) end
  meter('units_ended:' .. stage .. ':done:', 1)
  meter('rows:' .. stage .. ':in', num(args.rows_in))
  meter('rows:' .. stage .. ':out', num(args.rows_out))
  meter('rows:' .. stage .. ':error', num(args.errors))
  meter_run()
  for name, value in pairs(args.fields or {}) do set(job, name, value) end
  for name, value in pairs(args.doc or {}) do write('hash', scope .. 'doc:' .. job.id, 'HSET', name, value) end
  job.why = args.doc and args.doc.error
  add(job, JOB_DEFERRED, num(args.deferred))
end

-- How long partitions lately held their place at their first queue: who waits is told when its turn comes. A key of
-- another type is no reason to fail a move.
local function note_held(queue, ms)
  local before = redis.pcall('HGET', P .. 'held', queue)
  if type(before) == 'table' then return end
  typed.held = true
  local mean = num(before)
  mean = mean > 0 and mean < MOST_COUNTED and mean + (ms - mean) / HELD_OVER or ms
  write('hash', 'held', 'HSET', queue, ('%.0f'):format(math.max(1, mean)))
end

-- Launch has planned companies again whose hosts said "later": each of their partitions waits until its hosts may be
-- asked, and keeps nobody else from a place in the window. After the deadline they are as any that were never handed out.
local function plan_wave(job)
  if #args.waves == 0 or job.struck then return end
  local first, companies, at = num(job[PARTITIONS]) - #args.waves, 0, args.waves[1][1]
  for i, wait in ipairs(args.waves) do
    local name = 'p' .. first + i - 1
    local unit = { [STATUS] = PLANNED, [EPOCH] = 1, [STAGE_INDEX] = 0, [DEFERRED] = { wait[2], wait[3] } }
    move(job, name, unit, WAITING)
    add(job, IN_WINDOW, 1)
    add(job, DEFERRED_PARTITIONS, 1)
    due(name, wait[1])
    put_unit(name, unit)
    companies, at = companies + wait[2], math.min(at, wait[1])
  end
  set(job, PARTITIONS_HANDED, job[PARTITIONS])
  set(job, JOB_PROGRESS, 0) -- there is more to do than was known: what was told was too much
  event('stage', {
    stage = stages_of(job, 'p0')[1], state = 'deferred', companies = companies, retry_at = at, wave = num(job[WAVE]),
    hosts = #args.waves == 1 and args.waves[1][3] or nil, -- else two may wait for the same
  })
end

-- A stage ended well.
local function operation()
  local job = find(args.job)
  local mark = args.owner .. ':' .. args.index
  local unit, no, other = held(job, args.unit)
  if not unit then return repeated(job, no, other, mark) end
  local stages = stages_of(job, args.unit)
  note_commit(unit, mark)
  count_commit(job, stages[unit[STAGE_INDEX] + 1])
  local stages_done = unit[STAGE_INDEX] + 1
  if is_part(args.unit) and stages_done == 1 then note_held(queue_of(stages[1]), math.max(0, now - num(unit[HANDED_MS]))) end
  if is_part(args.unit) then progress_to(job, unit, math.floor(1000 * stages_done / #stages)) end
  if stages_done < #stages and given_up(job, args.unit) then
    go_to_stage(job, args.unit, unit, stages_done) -- what it has made is kept: a resume goes on from here
    fail_by_deadline(job, args.unit, unit)
    remember_sent(args.unit, unit)
  elseif stages_done < #stages then
    go_to_stage(job, args.unit, unit, stages_done)
    hand(job, args.unit, unit, false)
    send = {} -- the canvas carries it on; the due entry is the safety net
    if freed then hand_next(job) end
    remember_sent(args.unit, unit)
  else
    if args.waves then plan_wave(job) end
    move(job, args.unit, unit, DONE)
    unit[LEVEL], unit[NUMBER], unit[HANDED_MS] = nil, nil, nil -- a job may have 100,000 of these
    unit[PROGRESS], unit[LOOKS], unit[NAMED_PAGES] = nil, nil, nil
    put_unit(args.unit, unit)
    ended(job, args.unit, false)
    remember_sent(args.unit, unit)
    if args.chained then send = {} end
    if args.mail_to and TERMINAL[job.status] then
      notice('report.ready', { status = job.status, attempt = num(job.attempt) }, {}, job, { mail_to = args.mail_to })
    end
  end
  if not TERMINAL[job.status] then tell_progress(job, not is_part(args.unit)) end
  write_down_and_serve(args.unit, unit)
  return { ok = true }
end

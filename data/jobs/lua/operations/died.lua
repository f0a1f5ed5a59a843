-- Whether a page explains the death of the process that had begun it: `sure`, or for the second time. The first death
-- that nobody can explain (a kill from outside hits innocent pages) counts as any other until the page is confirmed.
-- With a unit's process dead for nothing as often as the run went on company by company, the next name is believed.
local function explained(unit, page, sure)
  local pages = unit[NAMED_PAGES] or {}
  unit[NAMED_PAGES] = pages
  sure = sure or num(unit[DEATHS]) >= ALONE_DEATHS
  for i, known in ipairs(pages) do
    if known == page then return false end -- the stage was told to leave it out, and did not
    if known:sub(1, #page + 1) == page .. '?' then
      if not sure and known:sub(#page + 2) == args.owner then return false end
      pages[i] = page
      unit[DEATHS] = num(unit[DEATHS]) > 1 and unit[DEATHS] - 1 or nil
      return true
    end
  end
  if #pages >= MAX_NAMED then return false end
  pages[#pages + 1] = sure and page or page .. '?' .. args.owner
  return sure
end

-- The process that ran the unit is dead: it is handed out again, or set aside.
local function lost_its_process(job, unit)
  unit[DIED_OWNER], unit[LOST_MS] = args.owner, now
  meter('process_deaths:' .. stage_of(job, args.unit, unit), 1)
  local own_fault = args.page and explained(unit, args.page, args.sure)
  if not own_fault then unit[DEATHS] = num(unit[DEATHS]) + 1 end
  if num(unit[DEATHS]) >= MAX_DEATHS then
    fail_unit(job, args.unit, unit, 'poison', args.error .. ' (' .. unit[DEATHS] .. ' times); set aside')
    remember_sent(args.unit, unit)
    return
  end
  unit[FAILURE] = { 'system', args.error }
  event('unit', { unit = args.unit, state = 'died', error = args.error, deaths = num(unit[DEATHS]), page = args.page })
  hand_again(job, args.unit, unit, own_fault) -- a unit full of such pages would keep its neighbours waiting
  if unit[STATUS] == FAILED then remember_sent(args.unit, unit) end
end

-- The parent of a pool child reports that it died (or the child, just before). What it had committed, or what its
-- own report handed out, but had not sent goes out now. `lapsed`: the parent killed what had lost its lease at a page.
local function operation()
  local job = find(args.job)
  if not job or TERMINAL[job.status] then return { no = 'ended' } end
  local unit = get_unit(args.unit)
  if not unit then return { no = 'gone' } end
  local committed = unit[LAST_COMMIT] and unit[LAST_COMMIT]:sub(1, #args.owner + 1) == args.owner .. ':'
  local died = unit[DIED_OWNER] == args.owner
  if unit[STATUS] == RUNNING and unit[OWNER] == args.owner then
    lost_its_process(job, unit)
    write_down_and_serve(args.unit, unit)
  elseif args.lapsed then
    if LIVE[unit[STATUS]] then
      if explained(unit, args.page, args.sure) then unit[LAPSES] = num(unit[LAPSES]) > 1 and unit[LAPSES] - 1 or nil end
      put_unit(args.unit, unit)
    end
  elseif (committed or died) and unit[STATUS] == HANDED and not unit[LOOKS] then
    message(job, args.unit, unit)
    turns().send_again(job, unit)
  elseif (committed and unit[STATUS] == DONE) or (died and unit[STATUS] == FAILED) then
    turns().send_again(job, unit)
  else
    return { no = 'stale' }
  end
  return { ok = true }
end

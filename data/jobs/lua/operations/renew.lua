local function operation()
  local j = load(a.job)
  local t, no = held(j, a.unit)
  if not t then return { no = no } end
  expect_own(a.job)
  due(a.job, a.unit, now + LEASE_MS)
  if a.g then
    progress_to(j, t, a.g)
    put_unit(a.job, a.unit, t)
    if a.message then set(j, 'msg', a.message) end
    add(j, 'pages', num(a.pages))
    tell_progress(j, false)
  end
  return { ok = true }
end

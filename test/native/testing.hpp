// doctest beside the datapath: both have a macro CHECK. Here it is doctest's.
//
// The datapath's headers that use theirs in inline functions come first, so that they mean what
// they mean in the library.
#pragma once
#include "base/check.hpp"
#include "base/result.hpp"
#include "driver/net_driver.hpp"
#include "driver/split_queue.hpp"
#include "io/gate.hpp"
#undef CHECK
#include <doctest/doctest.h>

// Which kind of ring a configuration asks for.
#include "ring/packed_rx.hpp"
#include "ring/packed_tx.hpp"
#include "ring/split_rx.hpp"
#include "ring/split_tx.hpp"

namespace valenic {

namespace {

template <typename Base, typename Ring, typename Layout>
Result<std::unique_ptr<Base>, spec::Fault> make(const RingConfig& config,
                                                std::shared_ptr<const MemoryMap> memory) {
    const auto layout = Layout::resolve(config, *memory);
    if (!layout) return layout.error();
    const auto start = layout.value().start(config);
    if (!start) return start.error();
    RingConfig begun = config;
    begun.base = start.value();
    return std::unique_ptr<Base>(std::make_unique<Ring>(layout.value(), begun, std::move(memory)));
}

bool packed(const RingConfig& config) noexcept {
    return negotiated(config.features, spec::feature_ring_packed);
}

}  // namespace

Result<std::unique_ptr<TxRing>, spec::Fault> make_tx_ring(const RingConfig& config,
                                                          std::shared_ptr<const MemoryMap> memory) {
    return packed(config) ? make<TxRing, PackedTxRing, PackedLayout>(config, std::move(memory))
                          : make<TxRing, SplitTxRing, SplitLayout>(config, std::move(memory));
}

Result<std::unique_ptr<RxRing>, spec::Fault> make_rx_ring(const RingConfig& config,
                                                          std::shared_ptr<const MemoryMap> memory) {
    return packed(config) ? make<RxRing, PackedRxRing, PackedLayout>(config, std::move(memory))
                          : make<RxRing, SplitRxRing, SplitLayout>(config, std::move(memory));
}

}  // namespace valenic

// Which kind of ring a configuration asks for.
#include "ring/split_rx.hpp"
#include "ring/split_tx.hpp"

namespace valenic {

Result<std::unique_ptr<TxRing>, spec::Fault> make_tx_ring(const RingConfig& config,
                                                          std::shared_ptr<const MemoryMap> memory) {
    const auto layout = SplitLayout::resolve(config, *memory);
    if (!layout) return layout.error();
    return std::unique_ptr<TxRing>(
        std::make_unique<SplitTxRing>(layout.value(), config, std::move(memory)));
}

Result<std::unique_ptr<RxRing>, spec::Fault> make_rx_ring(const RingConfig& config,
                                                          std::shared_ptr<const MemoryMap> memory) {
    const auto layout = SplitLayout::resolve(config, *memory);
    if (!layout) return layout.error();
    return std::unique_ptr<RxRing>(
        std::make_unique<SplitRxRing>(layout.value(), config, std::move(memory)));
}

}  // namespace valenic

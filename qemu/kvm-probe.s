# The boot sector of qemu/kvm.ts: what a 64-bit kernel does first, in miniature. Assemble with
#   as --64 -o p.o kvm-probe.s && ld -Ttext 0x7c00 --oformat binary -o p.bin p.o
.code16
.globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7000, %sp
    cld
    movw $0x1000, %di        # page tables at 0x1000, 0x2000, 0x3000
    movw $0x1800, %cx
    rep stosw
    movw $0x2003, 0x1000     # PML4[0] -> 0x2000
    movw $0x3003, 0x2000     # PDPT[0] -> 0x3000
    movw $0x0083, 0x3000     # PD[0]: 2 MiB page, identity
    movl $0x1000, %eax
    movl %eax, %cr3
    movl $0x620, %eax        # PAE, OSFXSR, OSXMMEXCPT
    movl %eax, %cr4
    movl $0xc0000080, %ecx   # EFER.LME
    rdmsr
    orl $0x100, %eax
    wrmsr
    lgdt gdtr
    movl $0x80000011, %eax   # PG, ET, PE
    movl %eax, %cr0
    ljmp $8, $long_mode
.code64
long_mode:
    movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $0x7000, %esp
    movl $0x10000, %edi      # ordinary work: stores, copies, SSE, calls, serialising instructions
    movl $0x2000, %ecx
    movl $0x5a5a5a5a, %eax
    rep stosq
    movl $0x10000, %esi
    movl $0x20000, %edi
    movl $0x2000, %ecx
    rep movsq
    movl $100, %ebx
again:
    movdqu 0x20000(%rbx), %xmm0
    paddq %xmm0, %xmm0
    movdqu %xmm0, 0x30000(%rbx)
    call leaf
    pushq %rbx
    xorl %eax, %eax
    cpuid
    popq %rbx
    movq %cr3, %rax
    movq %rax, %cr3
    decl %ebx
    jnz again
    movl $0xb4b4b4b4, %eax
    cmpl %eax, 0x30010
    jne wrong
    movb $0x2a, %al
    outb %al, $0xf4
wrong:
    hlt
    jmp wrong
leaf:
    lock incq 0x40000
    ret
.align 8
gdt: .quad 0, 0x00209a0000000000, 0x0000920000000000
gdtr: .word 23
    .long gdt
.org 510
.word 0xaa55

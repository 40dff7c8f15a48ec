using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Keeps the native memory of a TorchSharp <c>Scalar</c> for some seconds after it was given back. TorchSharp passes a scalar's address to torch
/// without holding the object, even in its own operators (<c>a + b</c> makes a scalar for the factor 1). A finalizer may therefore free it while the
/// call still reads it, which gives a wrong number or ends the process. This was seen at step 831 of a run with a small young heap. The shim's
/// function that frees a scalar is replaced, in this process's memory, by one that frees it later. Two open pull requests of TorchSharp dispose such
/// scalars after the call (dotnet/TorchSharp #1434, #1496). Once they are merged, this file can go. See docs/decisions/0090.
/// </summary>
internal static unsafe partial class ScalarRetirement
{
    private const string Export = "THSTorch_dispose_scalar";
    private const int ReadWriteExecute = 7;
    private const int ReadExecute = 5;

    /// <summary>
    /// How long memory is kept, in ticks of the stopwatch. A call reads its scalars when it begins. Even a thread that is suspended just then
    /// continues long before this time.
    /// </summary>
    private static readonly long Age = 5 * Stopwatch.Frequency;

    private static readonly Lock Gate = new();
    private static readonly Queue<(nint Scalar, long Since)> Retired = new();

    /// <summary>Changes how memory may be used: address, length, protection. Returns 0 where the system allows it.</summary>
    public delegate int Protection(nint address, nuint length, int protection);

    /// <summary>Replaces the function in the loaded shim. Where this is not possible, nothing is changed.</summary>
    /// <param name="shim">The loaded shim.</param>
    /// <param name="protect">Changes the protection of memory; null for the system's mprotect.</param>
    /// <returns>Null if it is done; otherwise the reason why not. The caller must report it, because numbers may then be wrong.</returns>
    public static string? Install(nint shim, Protection? protect = null)
    {
        protect ??= Protect;
        if (!NativeLibrary.TryGetExport(shim, Export, out nint function))
            return $"the shim has no {Export}";
        // Compiled now, so that the first call, which the finalizer makes, does not have to wait for the compiler.
        RuntimeHelpers.PrepareMethod(((Action<nint>)Retire).Method.MethodHandle);
        Span<byte> jump = stackalloc byte[12];
        jump[0] = 0x48; // mov rax, address
        jump[1] = 0xB8;
        BinaryPrimitives.WriteInt64LittleEndian(jump[2..], (nint)(delegate* unmanaged<nint, void>)&OnDispose);
        jump[10] = 0xFF; // jmp rax
        jump[11] = 0xE0;
        nint page = Environment.SystemPageSize;
        nint start = function / page * page;
        nuint length = (nuint)(function + jump.Length - start);
        if (protect(start, length, ReadWriteExecute) != 0)
            return "the system does not allow the shim's code to be changed in memory (mprotect)";
        jump.CopyTo(new Span<byte>((void*)function, jump.Length));
        _ = protect(start, length, ReadExecute);
        return null;
    }

    [UnmanagedCallersOnly]
    private static void OnDispose(nint scalar) => Retire(scalar);

    private static void Retire(nint scalar)
    {
        if (scalar == 0) return;
        long now = Stopwatch.GetTimestamp();
        lock (Gate)
        {
            Retired.Enqueue((scalar, now));
            // A scalar owns nothing else, so freeing its memory is all that is needed.
            while (Retired.TryPeek(out (nint Scalar, long Since) oldest) && now - oldest.Since > Age)
            {
                Retired.Dequeue();
                NativeMemory.Free((void*)oldest.Scalar);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);
}

using System.Runtime.InteropServices;
using Pipeline.Stages.Tests.Objectives;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Tests.Torch;

/// <summary>What keeps TorchSharp from freeing numbers that torch still reads says whether it could be done.</summary>
[Collection(TorchCollection.Name)]
public sealed class ScalarRetirementTests : TorchTest
{
    [Fact]
    public void This_process_has_it() => Assert.Null(TorchLoader.ScalarFault);

    [Fact]
    public void A_system_that_forbids_it_is_told_of_and_nothing_is_changed()
    {
        nint shim = NativeLibrary.Load(TorchLoader.LoadedShim!);
        byte[] before = Code(shim);
        var asked = new List<int>();
        string? fault = ScalarRetirement.Install(shim, (_, length, protection) =>
        {
            Assert.True(length >= 12);
            asked.Add(protection);
            return -1;
        });
        Assert.Contains("mprotect", fault, StringComparison.Ordinal);
        Assert.Equal([7], asked);
        Assert.Equal(before, Code(shim));
    }

    [Fact]
    public void Another_library_is_told_of()
        => Assert.Contains("THSTorch_dispose_scalar", ScalarRetirement.Install(NativeLibrary.Load("libc.so.6"), (_, _, _) => throw new InvalidOperationException("asked")), StringComparison.Ordinal);

    private static byte[] Code(nint shim)
    {
        byte[] code = new byte[12];
        Marshal.Copy(NativeLibrary.GetExport(shim, "THSTorch_dispose_scalar"), code, 0, code.Length);
        return code;
    }
}

using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Tests.Torch;

[Collection(TorchCollection.Name)]
public sealed class TorchLoaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("alm-libtorch-").FullName;

    private static string ShimPath
        => new[] { Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"), AppContext.BaseDirectory }.Select(folder => Path.Combine(folder, "libLibTorchSharp.so")).First(File.Exists);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("2.10.0", true)]
    [InlineData("2.10.3+cu128", true)]
    [InlineData("2.9.1", false)]
    [InlineData("2.1.0", false)]
    public void Another_minor_version_is_refused_by_its_number(string version, bool fits)
    {
        string lib = MakeLibtorch();
        File.WriteAllText(Path.Combine(_folder, "build-version"), version + "\n");
        if (fits)
            LibtorchVersion.Check(lib);
        else
            Assert.Contains(version, Assert.Throws<InputException>(() => LibtorchVersion.Check(lib)).Message);
    }

    [Fact]
    public void The_version_of_a_pip_torch_is_read_from_its_python_file()
    {
        string lib = MakeLibtorch();
        File.WriteAllText(Path.Combine(_folder, "version.py"), "from typing import Optional\n__version__ = '2.10.0+cu128'\ndebug = False\n");
        Assert.Equal("2.10.0+cu128", LibtorchVersion.Find(lib));
    }

    [Fact]
    public void The_version_is_found_inside_the_library_when_it_stands_there_alone()
    {
        string lib = MakeLibtorch(), library = Path.Combine(lib, "libtorch_python.so");
        File.WriteAllBytes(library, Encoding.ASCII.GetBytes("junk\0x2.9.1\01.2\02.10.0\0PRODUCER\0"));
        Assert.Equal("2.10.0", LibtorchVersion.Find(lib));
        File.WriteAllBytes(library, Encoding.ASCII.GetBytes("\02.9.1\02.10.0\0"));
        Assert.Null(LibtorchVersion.Find(lib));
    }

    [Fact]
    public void The_version_of_a_package_is_its_folders_name()
        => Assert.Equal("2.10.0", LibtorchVersion.Find("/packages/libtorch-cpu-linux-x64/2.10.0/runtimes/linux-x64/native"));

    [Fact]
    public void The_shipped_libtorch_says_the_version_the_shim_wants()
        => LibtorchVersion.Check(Path.Combine(AppContext.BaseDirectory, "libtorch"));

    [Fact]
    public void A_libtorch_of_unknown_version_is_refused()
        => Assert.Contains("cannot tell its version", Assert.Throws<InputException>(() => LibtorchVersion.Check(MakeLibtorch())).Message);

    [Fact]
    public void The_patch_changes_only_the_one_version_need_and_its_symbol()
    {
        byte[] shipped = File.ReadAllBytes(ShimPath), patched = ShimPatch.Apply(shipped, ShimPath);
        Assert.Equal(shipped.Length, patched.Length);
        int changed = shipped.Zip(patched).Count(pair => pair.First != pair.Second);
        Assert.InRange(changed, 4, 40);
        Assert.True(patched.AsSpan().IndexOf("_ZSt18uncaught_exceptionv\0"u8) >= 0);
    }

    [Fact]
    public void A_patched_shim_is_not_patched_again()
    {
        byte[] patched = ShimPatch.Apply(File.ReadAllBytes(ShimPath), ShimPath);
        Assert.Throws<InputException>(() => ShimPatch.Apply(patched, "shim.so"));
    }

    [Fact]
    public void A_second_symbol_that_needs_the_version_is_refused_by_name()
    {
        byte[] image = File.ReadAllBytes(ShimPath);
        // The hook under another name is as good as another symbol.
        int at = image.AsSpan().IndexOf("_ZSt21ios_base_library_initv"u8);
        "_ZSt21ios_base_library_xxxxv"u8.CopyTo(image.AsSpan(at));
        Assert.Contains("_ZSt21ios_base_library_xxxxv", Assert.Throws<InputException>(() => ShimPatch.Apply(image, "shim.so")).Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(100_000)]
    public void A_cut_shim_is_refused(int length)
        => Assert.Throws<InputException>(() => ShimPatch.Apply(File.ReadAllBytes(ShimPath)[..length], "shim.so"));

    private string MakeLibtorch()
    {
        string lib = Directory.CreateDirectory(Path.Combine(_folder, "lib")).FullName;
        File.WriteAllText(Path.Combine(lib, "libtorch_cpu.so"), "not a library");
        return lib;
    }
}

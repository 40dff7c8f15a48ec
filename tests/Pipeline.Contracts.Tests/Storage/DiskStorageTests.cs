using System.Diagnostics;
using System.Runtime.InteropServices;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Tests.Storage;

public sealed class DiskStorageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_written_atomically_is_read_back_and_replaces_what_was_there()
    {
        string path = _folder["a/b/file.txt"];
        _storage.WriteAtomically(path, s => s.Write("first"u8));
        _storage.WriteAtomically(path, s => s.Write("second"u8));
        using Stream read = _storage.OpenRead(path);
        using var reader = new StreamReader(read);
        Assert.Equal("second", reader.ReadToEnd());
        Assert.Equal([path], _storage.List(_folder["a/b"]));
        Assert.Equal(6, _storage.Length(path));
    }

    [Fact]
    public void A_write_that_throws_leaves_the_old_file_and_no_staging_file()
    {
        string path = _folder["file"];
        _storage.WriteAtomically(path, s => s.Write("old"u8));
        Assert.Throws<InvalidDataException>(() => _storage.WriteAtomically(path, s =>
        {
            s.Write("new"u8);
            throw new InvalidDataException();
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], _storage.List(_folder.Path));
    }

    [Fact]
    public void A_new_file_is_refused_where_one_is()
    {
        File.WriteAllText(_folder["x"], "");
        StorageException e = Assert.Throws<StorageException>(() => _storage.CreateNew(_folder["x"]));
        Assert.Contains(_folder["x"], e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Errors_name_the_path()
    {
        string missing = _folder["missing/file"];
        foreach (Action act in new Action[]
        {
            () => _storage.OpenRead(missing), () => _storage.Length(missing), () => _storage.Map(missing), () => _storage.SyncDirectory(missing),
            () => _storage.Rename(missing, missing + "2"), () => _storage.CreateNew(missing), () => _storage.OpenAppend(missing),
            () => _storage.Lock(missing),
        })
        {
            StorageException e = Assert.Throws<StorageException>(act);
            Assert.Contains(missing, e.Message, StringComparison.Ordinal);
            Assert.Equal(ExitCodes.Storage, e.ExitCode);
        }
    }

    [Fact]
    public void A_folder_that_is_not_there_lists_as_empty_and_deletes_as_nothing()
    {
        Assert.Empty(_storage.List(_folder["none"]));
        _storage.DeleteDirectory(_folder["none"]);
        _storage.DeleteFile(_folder["none.txt"]);
    }

    [Fact]
    public void Entries_are_listed_in_ordinal_order()
    {
        foreach (string name in new[] { "b", "B", "a", "10", "9" })
            File.WriteAllText(_folder[name], "");
        Assert.Equal(["10", "9", "B", "a", "b"], _storage.List(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void Appending_goes_on_at_the_end()
    {
        for (int i = 0; i < 2; i++)
        {
            using Stream s = _storage.OpenAppend(_folder["log"]);
            s.Write("line\n"u8);
            _storage.Sync(s);
        }
        Assert.Equal("line\nline\n", File.ReadAllText(_folder["log"]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5000)]
    public void A_map_shows_the_file(int length)
    {
        byte[] content = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        File.WriteAllBytes(_folder["m"], content);
        using IMappedFile map = _storage.Map(_folder["m"]);
        byte[] seen = new byte[map.Length];
        if (length > 0)
            Marshal.Copy(map.Address, seen, 0, length);
        Assert.Equal(content, seen);
    }

    [Fact]
    public void A_folder_is_renamed_but_never_over_one_with_files_in_it()
    {
        _storage.WriteAtomically(_folder["a/x"], s => s.Write("1"u8));
        _storage.WriteAtomically(_folder["b/x"], s => s.Write("2"u8));
        Assert.Throws<StorageException>(() => _storage.Rename(_folder["a"], _folder["b"]));
        _storage.Rename(_folder["a"], _folder["c"]);
        Assert.Equal("1", File.ReadAllText(_folder["c/x"]));
    }

    [Fact]
    public void A_second_lock_is_refused_and_names_the_holder()
    {
        using (_storage.Lock(_folder["lock"]))
        {
            LockedException e = Assert.Throws<LockedException>(() => _storage.Lock(_folder["lock"]));
            Assert.Contains($"process {Environment.ProcessId}", e.Message, StringComparison.Ordinal);
            Assert.Equal(ExitCodes.Locked, e.ExitCode);
        }
        _storage.Lock(_folder["lock"]).Dispose();
    }

    [Fact]
    public void What_dead_processes_left_is_cleaned_and_work_in_hand_is_not()
    {
        ProcessIdentity me = ProcessIdentity.Current;
        ProcessIdentity dead = me with { Start = me.Start + 1 };
        ProcessIdentity elsewhere = me with { Machine = "elsewhere" };
        string NameOf(ProcessIdentity p) => _folder[$"sub/.staging-{p}-1-file.x"];
        Directory.CreateDirectory(_folder["sub"]);
        foreach (ProcessIdentity p in new[] { me, dead, elsewhere })
            File.WriteAllText(NameOf(p), "");
        Directory.CreateDirectory(_folder[$".staging-{dead}-2-step-10"]);
        File.WriteAllText(_folder[$".staging-{dead}-2-step-10/weights"], "");
        File.WriteAllText(_folder["sub/kept"], "");

        Assert.Equal(2, Staging.CleanDead(_storage, _folder.Path).Count);
        Assert.Equal(new[] { NameOf(me), NameOf(elsewhere), _folder["sub/kept"] }.Order(StringComparer.Ordinal), _storage.List(_folder["sub"]));
        Assert.Equal([_folder["sub"]], _storage.List(_folder.Path));
    }

    [Fact]
    public void A_process_elsewhere_lives_while_any_of_its_files_is_written_to()
    {
        ProcessIdentity silent = ProcessIdentity.Current with { Machine = "silent" }, busy = silent with { Machine = "busy" };
        string[] names = [_folder[$".staging-{silent}-1-a"], _folder[$".staging-{busy}-1-a"], _folder[$".staging-{busy}-2-b"]];
        foreach (string name in names)
            File.WriteAllText(name, "");
        foreach (string name in names[..2])
            File.SetLastWriteTimeUtc(name, TimeProvider.System.GetUtcNow().UtcDateTime - Staging.Silence - TimeSpan.FromMinutes(1));

        Assert.Equal([names[0]], Staging.CleanDead(_storage, _folder.Path));
        Assert.Equal([names[1], names[2]], _storage.List(_folder.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Cleaning_for_one_process_leaves_the_others_alone()
    {
        ProcessIdentity mine = ProcessIdentity.Current with { Start = 1 }, other = mine with { Start = 2 };
        foreach (ProcessIdentity p in new[] { mine, other })
            File.WriteAllText(_folder[$".staging-{p}-1-a"], "");

        Assert.Equal([_folder[$".staging-{mine}-1-a"]], Staging.CleanOf(_storage, _folder.Path, new HashSet<ProcessIdentity> { mine }));
        Assert.Equal("a", Staging.TargetOf(Assert.Single(_storage.List(_folder.Path))));
    }

    [Fact]
    public void Cleaning_does_not_follow_a_link()
    {
        string leftover = _folder["elsewhere/.staging-x-1-1-1-file"];
        Directory.CreateDirectory(_folder["elsewhere"]);
        File.WriteAllText(leftover, "");
        Directory.CreateDirectory(_folder["run"]);
        Directory.CreateSymbolicLink(_folder["run/out"], _folder["elsewhere"]);
        Directory.CreateSymbolicLink(_folder["run/round"], _folder["run"]);
        Assert.Empty(Staging.CleanDead(_storage, _folder["run"]));
        Assert.True(File.Exists(leftover));
        _storage.DeleteDirectory(_folder["run"]);
        Assert.True(File.Exists(leftover));
    }

    [Fact]
    public void A_process_that_ended_is_known_not_to_run()
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", "--version") { RedirectStandardOutput = true })!;
        process.WaitForExit();
        Assert.False((ProcessIdentity.Current with { ProcessId = process.Id }).MayRun());
        Assert.True(ProcessIdentity.Current.MayRun());
        Assert.Equal(ProcessIdentity.Current, ProcessIdentity.Parse(ProcessIdentity.Current.ToString()));
    }
}

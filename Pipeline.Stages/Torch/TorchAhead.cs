using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Loads libtorch on a thread of its own while the definition of a run is read and checked. Loading takes 0.2 s, most of it for the registration of
/// operators. Code that needs torch calls <see cref="TorchLoader.Load"/> as before, and there it waits for the rest, or gets the error.
/// </summary>
public sealed class TorchAhead : IDisposable
{
    private readonly Task _loading;

    private TorchAhead(string? libtorchFolder)
    {
        // On the caller's thread, because no other thread may read the environment while it changes.
        TorchLoader.SetEnvironment();
        _loading = Task.Factory.StartNew(() => Load(libtorchFolder), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <param name="libtorchFolder">See <see cref="TorchLoader.Load"/>.</param>
    public static TorchAhead Begin(string? libtorchFolder) => new(libtorchFolder);

    /// <summary>Waits until loading has ended, because a process must not end in the middle of it.</summary>
    public void Dispose() => Task.WaitAny(_loading);

    private static void Load(string? libtorchFolder)
    {
        CallTheSystem();
        TorchLoader.Load(libtorchFolder);
    }

    // The system's loader has one lock. It is held while libtorch is loaded, and a thread that calls any native function for the first time waits for it.
    // The native functions that reading and checking a definition call are therefore called once before. Without this, nothing would be gained.
    private static void CallTheSystem()
    {
        if (OperatingSystem.IsWindows())
            return;
        Task.Factory.StartNew(static () => { }, CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default).Wait();
        PosixSignalRegistration.Create(PosixSignal.SIGWINCH, static _ => { }).Dispose();
        string file = typeof(TorchAhead).Assembly.Location;
        var storage = new DiskStorage();
        storage.List(Path.GetDirectoryName(file)!);
        _ = storage.IsLink(file);
        _ = storage.FileExists(file);
        using (Stream stream = storage.OpenRead(file))
            stream.ReadByte();
        storage.Map(file).Dispose();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(RandomNumberGenerator.GetBytes(1));
        hash.GetHashAndReset();
        SHA256.HashData([]);
    }
}

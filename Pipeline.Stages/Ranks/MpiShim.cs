using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Ranks;

/// <summary>
/// The library between this program and the MPI that is installed. It is a short C file (mpi-shim.c), because handles and constants differ from one
/// MPI to another. That MPI's own <c>mpicc</c> compiles it once, and the result is kept. A library that was built elsewhere can be named by
/// <c>ALM_MPI_SHIM</c>.
/// </summary>
internal static class MpiShim
{
    private const string Variable = "ALM_MPI_SHIM";

    /// <summary>Loads the library, and builds it first if it does not exist.</summary>
    /// <param name="variable">Reads an environment variable.</param>
    /// <exception cref="InputException">There is no MPI to build it with, or it cannot be loaded.</exception>
    public static nint Load(Func<string, string?> variable)
    {
        string path = variable(Variable) is { Length: > 0 } given ? given : Build();
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new InputException($"{path} cannot be loaded: {e.Message}; mpicc builds it from the MPI of this machine: delete it to build it again, or set {Variable}", e);
        }
    }

    private static string Build()
    {
        byte[] source = Source();
        // Another MPI needs another library. The name therefore depends on the command that mpicc would run.
        string compiler = Run("mpicc", ["-show"]);
        ulong hash = XxHash3.HashToUInt64([.. source, .. Encoding.UTF8.GetBytes(compiler)]);
        string folder = UserCache.Folder();
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"alm-mpi-{hash:x16}.so"));
        if (File.Exists(path))
            return path;
        // At a first start every rank builds its own file, and the last one renamed stays. They are all the same.
        string mine = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.MachineName}.{Environment.ProcessId}");
        File.WriteAllBytes(mine + ".c", source);
        try
        {
            Run("mpicc", ["-O2", "-shared", "-fPIC", "-o", mine, mine + ".c"]);
            File.Move(mine, path, overwrite: true);
        }
        finally
        {
            File.Delete(mine + ".c");
        }
        return path;
    }

    private static byte[] Source()
    {
        using Stream stream = typeof(MpiShim).Assembly.GetManifestResourceStream("mpi-shim.c")!;
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }

    private static string Run(string command, string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? output
                : throw new InputException($"{command} {string.Join(' ', arguments)} ended with {process.ExitCode}: {error.GetAwaiter().GetResult().Trim()}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InputException(
                $"ranks communicate through MPI, but there is no {command}: install an MPI with its compiler (libopenmpi-dev or libmpich-dev), or set {Variable} to a library that was built elsewhere", e);
        }
    }
}

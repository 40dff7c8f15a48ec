using System.Buffers.Binary;
using System.Text;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Makes the shim load with a libstdc++ that lacks GLIBCXX_3.4.32. Only one symbol requires this version: the start hook of iostreams, which an older
/// libstdc++ runs by itself. The version requirement is marked weak, and the symbol is renamed to a harmless function without arguments that every
/// version has. If anything else requires the version, the patch is refused. See docs/decisions/0090.
/// </summary>
internal static class ShimPatch
{
    private const string BadVersion = "GLIBCXX_3.4.32";
    private const string GoodVersion = "GLIBCXX_3.4";
    private const string StartHook = "_ZSt21ios_base_library_initv";
    private const string Harmless = "_ZSt18uncaught_exceptionv";
    private const uint SectionDynamicSymbols = 11;
    private const uint SectionSymbolVersions = 0x6fffffff;
    private const uint SectionVersionNeeds = 0x6ffffffe;
    private const ushort WeakFlag = 2;

    private readonly record struct Section(uint Type, long Offset, long Size, int Link, int Info);

    /// <summary>Makes a patched copy of the library.</summary>
    /// <param name="image">The content of the library.</param>
    /// <param name="path">The library's name, for errors.</param>
    /// <exception cref="InputException">This is not the shim that the patch was made for.</exception>
    public static byte[] Apply(byte[] image, string path)
    {
        byte[] copy = (byte[])image.Clone();
        try
        {
            Patch(copy, path);
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            throw new InputException($"{path}: not a well-formed 64-bit ELF library, so it cannot be made to load on this system's libstdc++", e);
        }

        return copy;
    }

    private static void Patch(byte[] image, string path)
    {
        if (!image.AsSpan(0, 6).SequenceEqual("\u007fELF\u0002\u0001"u8))
            throw new InputException($"{path}: not a 64-bit little-endian ELF library");
        Section[] sections = Sections(image);
        Section symbols = Single(sections, SectionDynamicSymbols, path);
        Section names = sections[symbols.Link];
        Section versions = Single(sections, SectionSymbolVersions, path);
        Section needs = Single(sections, SectionVersionNeeds, path);
        (ushort bad, ushort good) = WeakenNeed(image, needs, sections[needs.Link]);
        if (bad == 0 || good == 0)
            throw new InputException($"{path}: cannot be loaded, and not because of {BadVersion}; is the file complete, and is it for libtorch {LibtorchVersion.Wanted}?");

        int renamed = 0;
        for (long k = 0; k < symbols.Size / 24; k++)
        {
            Span<byte> version = image.AsSpan(checked((int)(versions.Offset + 2 * k)), 2);
            if ((BinaryPrimitives.ReadUInt16LittleEndian(version) & 0x7fff) != bad)
                continue;
            long nameAt = names.Offset + Read32(image, symbols.Offset + 24 * k);
            string name = Text(image, nameAt);
            if (name != StartHook)
                throw new InputException($"{path}: symbol {name} needs {BadVersion}, which this system's libstdc++ lacks; install the libstdc++ of GCC 13 or newer");
            Span<byte> target = image.AsSpan(checked((int)nameAt), StartHook.Length);
            target.Clear();
            Encoding.ASCII.GetBytes(Harmless).CopyTo(target);
            BinaryPrimitives.WriteUInt16LittleEndian(version, good);
            renamed++;
        }

        if (renamed != 1)
            throw new InputException($"{path}: {renamed} symbols need {BadVersion}, expected exactly {StartHook}");
    }

    private static (ushort Bad, ushort Good) WeakenNeed(byte[] image, Section needs, Section names)
    {
        ushort bad = 0, good = 0;
        long need = needs.Offset;
        for (int i = 0; i < needs.Info; i++)
        {
            bool cxx = Text(image, names.Offset + Read32(image, need + 4)) == "libstdc++.so.6";
            long entry = need + Read32(image, need + 8);
            int count = Read16(image, need + 2);
            for (int j = 0; cxx && j < count; j++)
            {
                string version = Text(image, names.Offset + Read32(image, entry + 8));
                if (version == BadVersion)
                {
                    bad = Read16(image, entry + 6);
                    BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(checked((int)entry + 4), 2), WeakFlag);
                }

                if (version == GoodVersion)
                    good = Read16(image, entry + 6);
                entry += Read32(image, entry + 12);
            }

            need += Read32(image, need + 12);
        }

        return (bad, good);
    }

    private static Section[] Sections(byte[] image)
    {
        long table = Read64(image, 0x28);
        Section[] sections = new Section[Read16(image, 0x3C)];
        for (int i = 0; i < sections.Length; i++)
        {
            long at = table + (long)i * Read16(image, 0x3A);
            sections[i] = new Section(
                Read32(image, at + 4), Read64(image, at + 0x18), Read64(image, at + 0x20), (int)Read32(image, at + 0x28), (int)Read32(image, at + 0x2C));
        }

        return sections;
    }

    private static Section Single(Section[] sections, uint type, string path)
    {
        Section[] found = [.. sections.Where(section => section.Type == type)];
        return found.Length == 1 ? found[0] : throw new InputException($"{path}: {found.Length} ELF sections of type 0x{type:x}, expected 1");
    }

    private static long Read64(byte[] image, long at) => checked((long)BinaryPrimitives.ReadUInt64LittleEndian(image.AsSpan(checked((int)at), 8)));

    private static uint Read32(byte[] image, long at) => BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan(checked((int)at), 4));

    private static ushort Read16(byte[] image, long at) => BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(checked((int)at), 2));

    private static string Text(byte[] image, long at)
    {
        ReadOnlySpan<byte> rest = image.AsSpan(checked((int)at));
        return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)0)]);
    }
}
